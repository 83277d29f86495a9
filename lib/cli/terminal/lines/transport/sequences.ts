// The first sequence numbers of TCP connections, so that a line has the numbers relative to them, as tcpdump writes them.

/** As many connections are known; of more, the ones that were seen first are forgotten. */
const MOST = 65_536;

interface Start {
  seq: number;
  ack: number;
}

/** One end of a connection. */
export interface End {
  readonly host: string;
  readonly port: number;
}

/** The numbers of a segment, and those by which the numbers of its SACK blocks are shown. */
export interface Numbers {
  readonly seq: number;
  readonly ack: number;
  readonly sack_base: number;
}

export class Sequences {
  readonly #starts = new Map<string, Start>();

  /** Returns the relative numbers of a segment that acknowledges. The first one of a connection, and a SYN, set the start. */
  relative(src: End, dst: End, is_syn: boolean, seq: number, ack: number): Numbers {
    // Both directions of a connection have one entry.
    const is_reverse = src.port > dst.port || (src.port === dst.port && src.host > dst.host);
    const [low, high] = is_reverse ? [dst, src] : [src, dst];
    const key = `${low.host} ${low.port} ${high.host} ${high.port}`;
    const known = this.#starts.get(key);
    if (known !== undefined && !is_syn) {
      const [mine, theirs] = is_reverse ? [known.ack, known.seq] : [known.seq, known.ack];
      return { seq: (seq - mine) >>> 0, ack: (ack - theirs) >>> 0, sack_base: theirs };
    }
    const before = (ack - 1) >>> 0;
    this.#set(key, is_reverse ? { seq: before, ack: seq } : { seq, ack: before });
    return { seq, ack, sack_base: before };
  }

  #set(key: string, start: Start): void {
    if (this.#starts.size >= MOST && !this.#starts.has(key)) {
      const [oldest] = this.#starts.keys();
      if (oldest !== undefined) this.#starts.delete(oldest);
    }
    this.#starts.set(key, start);
  }
}
