/**
 * Five programs that do one thing each: counting, arithmetic, memory, calls, floats. The same
 * computation for our engines, in C, Lua and Python; each gives a number, which has to be the same.
 */

import { load32 } from "../../tests/support/vm_image.ts";

export interface BenchProgram {
  readonly name: string;
  /** LuaJIT has no numbers of 32 bits that multiply: what it does instead is no measure of anything else. */
  readonly isUnfairToLuaJit?: boolean;
  /** For tests/support/vm_image.ts. */
  readonly source: string;
  /** The register with the result. */
  readonly resultIn: number;
  readonly c: string;
  readonly lua: string;
  /** Where LuaJIT, which has no operators on bits, needs another text. */
  readonly luajit?: string;
  readonly python: string;
}

export const PROGRAMS: readonly BenchProgram[] = [
  {
    name: "counting to 100M",
    source: `${load32(0, 100_000_000)}load $2 #0
again: inc $2
neq $0 $2
djmpe @again
hlt`,
    resultIn: 2,
    // Without the barrier there would be no loop.
    c: `int i = 0; do { i++; __asm__ volatile("" : "+r"(i)); } while (i != 100000000); result = i;`,
    lua: `local i = 0 repeat i = i + 1 until i == 100000000 result = i`,
    python: `
    i = 0
    while i != 100000000: i += 1
    result = i`,
  },
  {
    name: "20M random numbers",
    isUnfairToLuaJit: true,
    source: `${load32(1, 1_664_525)}${load32(2, 1_013_904_223)}${
      load32(3, 16_711_935)
    }load $4 #12345
load $5 #0
load $6 #0
load $7 #1000
load $9 #20000
outer: load $8 #0
inner: mul $4 $1 $4
add $4 $2 $4
and $4 $3 $10
xor $5 $10 $5
inc $8
neq $8 $9
djmpe @inner
inc $6
neq $6 $7
djmpe @outer
hlt`,
    resultIn: 5,
    c: `unsigned x = 12345, sum = 0;
    for (int i = 0; i < 20000000; i++) { x = x * 1664525u + 1013904223u; sum ^= x & 16711935u; }
    result = (int) sum;`,
    lua: `local x, sum = 12345, 0
    for i = 1, 20000000 do
      x = (x * 1664525 + 1013904223) & 0xffffffff
      sum = sum ~ (x & 16711935)
    end
    result = sum`,
    luajit: `local x, sum, band, bxor = 12345, 0, bit.band, bit.bxor
    for i = 1, 20000000 do
      local low = x % 65536
      local high = (x - low) / 65536
      x = (high * 1664525 % 65536 * 65536 + low * 1664525 + 1013904223) % 4294967296
      sum = bxor(sum, band(x, 16711935))
    end
    result = sum`,
    python: `
    x, total = 12345, 0
    for _ in range(20000000):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        total ^= x & 16711935
    result = total`,
  },
  {
    name: "20 sieves of 100000",
    source: `${load32(20, 400_000)}aloc $20
load $21 #0
load $22 #20
${load32(23, 100_000)}load $24 #4
load $25 #1
load $31 #0
round: load $5 #0
load $1 #0
clear: setm $1 $31
add $1 $24 $1
lt $1 $20
djmpe @clear
load $1 #2
next: mul $1 $1 $2
gte $2 $23
djmpe @count
mul $1 $24 $3
loadm $3 $4
neq $4 $31
djmpe @skip
mul $2 $24 $2
mul $1 $24 $6
mark: setm $2 $25
add $2 $6 $2
lt $2 $20
djmpe @mark
skip: inc $1
add $31 $31 $31
lt $31 $25
djmpe @next
count: load $1 #8
counting: loadm $1 $4
add $5 $25 $5
sub $5 $4 $5
add $1 $24 $1
lt $1 $20
djmpe @counting
inc $21
lt $21 $22
djmpe @round
hlt`,
    resultIn: 5,
    c: `static int sieve[100000];
    for (int round = 0; round < 20; round++) {
      result = 0;
      for (int i = 0; i < 100000; i++) sieve[i] = 0;
      for (int i = 2; i * i < 100000; i++)
        if (!sieve[i]) for (int j = i * i; j < 100000; j += i) sieve[j] = 1;
      for (int i = 2; i < 100000; i++) result += 1 - sieve[i];
      __asm__ volatile("" : : "r"(sieve) : "memory");
    }`,
    lua: `local sieve = {}
    for round = 1, 20 do
      result = 0
      for i = 0, 99999 do sieve[i] = 0 end
      local i = 2
      while i * i < 100000 do
        if sieve[i] == 0 then for j = i * i, 99999, i do sieve[j] = 1 end end
        i = i + 1
      end
      for i = 2, 99999 do result = result + 1 - sieve[i] end
    end`,
    python: `
    for _ in range(20):
        result = 0
        sieve = [0] * 100000
        i = 2
        while i * i < 100000:
            if sieve[i] == 0:
                for j in range(i * i, 100000, i): sieve[j] = 1
            i += 1
        for i in range(2, 100000): result += 1 - sieve[i]`,
  },
  {
    name: "fib(32)",
    source: `load $0 #32
load $31 #0
call @fib
hlt
fib: load $2 #2
lt $0 $2
djmpe @base
push $0
dec $0
call @fib
pop $0
push $1
load $2 #2
sub $0 $2 $0
call @fib
pop $2
add $1 $2 $1
ret
base: add $0 $31 $1
ret`,
    resultIn: 1,
    c: `result = fib(32);`,
    lua: `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
    result = fib(32)`,
    python: `
    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
    result = fib(32)`,
  },
  {
    name: "Mandelbrot 300 × 300",
    source: `loadf64 $10 #300
loadf64 $11 #3
divf64 $11 $10 $11
loadf64 $12 #4
loadf64 $13 #2
loadf64 $14 #0
loadf64 $15 #1
addf64 $15 $14 $15
divf64 $15 $13 $17
addf64 $15 $17 $16
subf64 $14 $16 $2
load $4 #300
load $5 #200
load $6 #0
load $1 #0
row: subf64 $14 $13 $1
load $0 #0
pixel: load $3 #0
addf64 $14 $14 $3
addf64 $14 $14 $4
turn: mulf64 $3 $3 $5
mulf64 $4 $4 $6
addf64 $5 $6 $7
gtf64 $7 $12
djmpe @escaped
mulf64 $3 $4 $4
mulf64 $4 $13 $4
addf64 $4 $2 $4
subf64 $5 $6 $3
addf64 $3 $1 $3
inc $3
lt $3 $5
djmpe @turn
escaped: add $6 $3 $6
addf64 $1 $11 $1
inc $0
lt $0 $4
djmpe @pixel
addf64 $2 $11 $2
inc $1
lt $1 $4
djmpe @row
hlt`,
    resultIn: 6,
    c: `double step = 3.0 / 300, cy = -1.5; result = 0;
    for (int y = 0; y < 300; y++, cy += step) {
      double cx = -2;
      for (int x = 0; x < 300; x++, cx += step) {
        double zx = 0, zy = 0; int n = 0;
        while (n < 200) {
          double a = zx * zx, b = zy * zy;
          if (a + b > 4) break;
          zy = zx * zy * 2 + cy; zx = a - b + cx; n++;
        }
        result += n;
      }
    }`,
    lua: `local step, cy = 3.0 / 300, -1.5 result = 0
    for y = 1, 300 do
      local cx = -2.0
      for x = 1, 300 do
        local zx, zy, n = 0.0, 0.0, 0
        while n < 200 do
          local a, b = zx * zx, zy * zy
          if a + b > 4 then break end
          zy = zx * zy * 2 + cy zx = a - b + cx n = n + 1
        end
        result = result + n
        cx = cx + step
      end
      cy = cy + step
    end`,
    python: `
    step = 3.0 / 300; cy = -1.5; result = 0
    for _ in range(300):
        cx = -2.0
        for _ in range(300):
            zx = zy = 0.0; n = 0
            while n < 200:
                a = zx * zx; b = zy * zy
                if a + b > 4: break
                zy = zx * zy * 2 + cy; zx = a - b + cx; n += 1
            result += n
            cx += step
        cy += step`,
  },
];
