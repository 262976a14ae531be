/**
 * Writes one WebAssembly function: code, labels by name, and locals that stand for fields of the
 * process block. A field is loaded at the beginning and stored at the end if it is used in between.
 */

import { INSTRUCTION_BYTES } from "../isa.ts";
import { Layout } from "../state.ts";
import { ALIGN_DOUBLE, ALIGN_WORD, F64, I32, Op, VOID, WasmBytes } from "./bytes.ts";

/** Parameters and locals that every function has. */
export const Local = {
  /** Address of the process block. */
  base: 0,
  /** Units left; what a block takes is taken when it begins. */
  fuel: 1,
  /** The instruction that comes next, for the dispatcher and when the function ends. */
  at: 2,
  /** An address within one instruction. */
  scratch: 3,
  /** Whether another region goes on. */
  crosses: 4,
} as const;
const FIRST_FIELD = 5;

/** Two labels that every function has; a number names a block's. */
export type Label =
  /** Back to the engine. */
  | "leave"
  /** On to the region of {@link Local.at}. */
  | "cross"
  | `end of ${number}`
  | `top of ${number}`;

interface Field {
  readonly local: number;
  readonly type: typeof I32 | typeof F64;
  stored: boolean;
}

export class FunctionWriter {
  readonly #code = new WasmBytes();
  readonly #fields = new Map<number, Field>();
  readonly #depths = new Map<Label, number>();
  #depth = 0;

  // -- code ---------------------------------------------------------------------------------------

  op(...opcodes: readonly number[]): this {
    this.#code.byte(...opcodes);
    return this;
  }

  i32(value: number): this {
    this.#code.byte(Op.i32Const).signed(value);
    return this;
  }

  f64(value: number): this {
    this.#code.byte(Op.f64Const).double(value);
    return this;
  }

  get(local: number): this {
    this.#code.byte(Op.localGet).unsigned(local);
    return this;
  }

  set(local: number): this {
    this.#code.byte(Op.localSet).unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.#code.byte(Op.localTee).unsigned(local);
    return this;
  }

  /** A load or store; `align` as the format has it, an exponent. */
  memory(opcode: number, align: number, offset = 0): this {
    this.#code.byte(opcode, align).unsigned(offset);
    return this;
  }

  // -- control ------------------------------------------------------------------------------------

  open(kind: typeof Op.block | typeof Op.loop, label: Label): void {
    this.#code.byte(kind, VOID);
    this.#depths.set(label, this.#depth++);
  }

  if(): void {
    this.#code.byte(Op.if, VOID);
    this.#depth++;
  }

  else(): void {
    this.#code.byte(Op.else);
  }

  end(): void {
    this.#code.byte(Op.end);
    this.#depth--;
  }

  branch(label: Label): void {
    this.#code.byte(Op.br).unsigned(this.#distance(label));
  }

  branchIf(label: Label): void {
    this.#code.byte(Op.brIf).unsigned(this.#distance(label));
  }

  branchTable(labels: readonly Label[], otherwise: Label): void {
    this.#code.byte(Op.brTable).unsigned(labels.length);
    for (const label of labels) this.#code.unsigned(this.#distance(label));
    this.#code.unsigned(this.#distance(otherwise));
  }

  #distance(label: Label): number {
    return this.#depth - 1 - this.#depths.get(label)!;
  }

  // -- fields -------------------------------------------------------------------------------------

  /** Pushes a field's value. */
  load(field: number, type: typeof I32 | typeof F64 = I32): this {
    return this.get(this.#field(field, type).local);
  }

  /** Pops a field's value. */
  store(field: number, type: typeof I32 | typeof F64 = I32): this {
    const { local } = this.#write(field, type);
    return this.set(local);
  }

  register(number: number): this {
    return this.load(Layout.registers + 4 * number);
  }

  setRegister(number: number): this {
    return this.store(Layout.registers + 4 * number);
  }

  float(number: number): this {
    return this.load(Layout.floats + 8 * number, F64);
  }

  setFloat(number: number): this {
    return this.store(Layout.floats + 8 * number, F64);
  }

  #field(offset: number, type: typeof I32 | typeof F64): Field {
    const known = this.#fields.get(offset);
    if (known !== undefined) return known;
    const field = { local: FIRST_FIELD + this.#fields.size, type, stored: false };
    this.#fields.set(offset, field);
    return field;
  }

  #write(offset: number, type: typeof I32 | typeof F64): Field {
    const field = this.#field(offset, type);
    field.stored = true;
    return field;
  }

  // -- the whole ----------------------------------------------------------------------------------

  /**
   * The body: fields are loaded, the code runs until it branches to "leave" or "cross", fields are
   * stored, and the fuel that is left is given back, or handed on by `cross`.
   */
  body(entry: number, cross: (end: WasmBytes) => void): Uint8Array {
    const body = new WasmBytes();
    const fields = [...this.#fields];
    body.unsigned(fields.length + 1).unsigned(FIRST_FIELD - Local.at).byte(I32);
    for (const [, { type }] of fields) body.unsigned(1).byte(type);
    // at := (pc − entry) / 4
    body.byte(Op.localGet, Local.base, Op.i32Load, ALIGN_WORD).unsigned(Layout.pc);
    body.byte(Op.i32Const).signed(entry).byte(Op.i32Sub, Op.i32Const, 2, Op.i32ShrU);
    body.byte(Op.localSet, Local.at);
    for (const [offset, { local, type }] of fields) {
      body.byte(Op.localGet, Local.base);
      if (type === I32) body.byte(Op.i32Load, ALIGN_WORD);
      else body.byte(Op.f64Load, ALIGN_DOUBLE);
      body.unsigned(offset).byte(Op.localSet).unsigned(local);
    }
    body.append(this.#code.bytes);
    for (const [offset, { local, type, stored }] of fields) {
      if (!stored) continue;
      body.byte(Op.localGet, Local.base, Op.localGet).unsigned(local);
      if (type === I32) body.byte(Op.i32Store, ALIGN_WORD);
      else body.byte(Op.f64Store, ALIGN_DOUBLE);
      body.unsigned(offset);
    }
    // pc := entry + 4 × at
    body.byte(Op.localGet, Local.base, Op.localGet, Local.at);
    body.byte(Op.i32Const).signed(INSTRUCTION_BYTES).byte(Op.i32Mul);
    body.byte(Op.i32Const).signed(entry).byte(Op.i32Add);
    body.byte(Op.i32Store, ALIGN_WORD).unsigned(Layout.pc);
    cross(body);
    return body.byte(Op.localGet, Local.fuel, Op.end).bytes;
  }
}
