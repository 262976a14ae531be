/** A simulated link: two ends with the real mux, over two streams, without the cryptography. */

import { ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import type { LinkNumber } from "../mesh/core.ts";
import { type ChannelSpec, type Deliver, Mux } from "../transport/mux.ts";
import { TAG_BYTES } from "../transport/noise.ts";
import { type Host, type Network, StreamDirection } from "./network.ts";
import type { World } from "./world.ts";

/** Length prefix and tag of a frame. */
const FRAME_OVERHEAD_BYTES = 2 + TAG_BYTES;

/** The host at one end of a link. */
export interface LinkOwner extends Host {
  readonly channels: readonly ChannelSpec[];
  /** Runs `happen` when this host's program runs, now or after its pause. */
  whenRunning(happen: () => void): void;
  linkMessage(link: LinkEnd, channel: ChannelSpec, bytes: Uint8Array): void;
  linkEnded(link: LinkEnd, died: boolean): void;
}

export class LinkEnd {
  readonly #world: World;
  readonly #mux: Mux;
  readonly #frame = new ByteWriter();
  #other!: LinkEnd;
  #out!: StreamDirection;
  #ended = false;
  #watching = false;
  #closing = false;

  constructor(world: World, readonly owner: LinkOwner, readonly number: LinkNumber) {
    this.#world = world;
    this.#mux = new Mux(owner.channels, () => this.#flush());
  }

  static join(network: Network, a: LinkEnd, b: LinkEnd): void {
    a.#other = b;
    b.#other = a;
    a.#out = new StreamDirection(a.#world, network, a.owner, b.owner);
    b.#out = new StreamDirection(b.#world, network, b.owner, a.owner);
  }

  get remote(): LinkOwner {
    return this.#other.owner;
  }

  get ended(): boolean {
    return this.#ended;
  }

  setRemoteChannels(names: readonly string[]): void {
    this.#mux.setRemoteChannels(names);
  }

  send(channel: string, bytes: Uint8Array): boolean {
    if (this.#ended || this.#closing) return false;
    const taken = this.#mux.send(this.#world.nowMs, channel, bytes);
    this.#flush();
    return taken;
  }

  /** Sends what is queued, then ends the link on both sides. */
  drain(): void {
    if (this.#ended || this.#closing) return;
    this.#closing = true;
    this.#flush();
    this.#out.send(0, () => this.#other.#end(true));
    this.#end(false);
  }

  close(): void {
    if (this.#ended) return;
    this.#out.send(0, () => this.#other.#end(true));
    this.#end(false);
  }

  /** This end's machine lost power: it says nothing, and nothing under way arrives. */
  vanish(): void {
    this.#ended = true;
    this.#out.break();
  }

  #flush(): void {
    while (!this.#ended && this.#mux.hasOutput) {
      this.#frame.reset();
      this.#mux.nextFrame(this.#frame);
      const frame = this.#frame.bytes.slice();
      this.#out.send(frame.length + FRAME_OVERHEAD_BYTES, () => this.#other.#receive(frame));
    }
    this.#watch();
  }

  #receive(frame: Uint8Array): void {
    if (this.#ended) {
      // A machine that is up, but has forgotten this connection, resets it.
      if (this.owner.powered) this.#other.owner.whenRunning(() => this.#other.#end(true));
      return;
    }
    this.owner.whenRunning(() => {
      if (this.#ended) return;
      const deliver: Deliver = (channel, bytes) => this.owner.linkMessage(this, channel, bytes);
      try {
        this.#mux.receiveFrame(frame, deliver);
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        return this.close();
      }
      this.#flush();
    });
  }

  #watch(): void {
    const deadline = this.#mux.deadline();
    if (this.#watching || this.#ended || deadline === Infinity) return;
    this.#watching = true;
    this.#world.at(this.#world.dueAt(deadline), () =>
      this.owner.whenRunning(() => {
        this.#watching = false;
        if (this.#ended) return;
        if (this.#mux.tick(this.#world.nowMs)) this.#flush();
        else this.#end(true);
      }));
  }

  #end(died: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    // What was sent before still arrives; what the other side sends is answered by a reset.
    if (this.owner.running) this.owner.whenRunning(() => this.owner.linkEnded(this, died));
  }
}
