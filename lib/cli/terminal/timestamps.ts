// The times in front of packets, in the styles of tcpdump: -t to -ttttt.

const MICROSECOND = 1000n;
const SECOND = 1_000_000_000n;
const DAY_SECONDS = 86_400n;

const two_digits = (value: number | bigint) => String(value).padStart(2, '0');

/** Returns the time of packets in one of the styles. */
export class Timestamps {
  readonly #style: number;
  readonly #nano: boolean;
  #reference: bigint | undefined;
  /** The second of the last time of day, and its text. */
  #second = Number.NaN;
  #clock = '';

  /**
   * @param style 0: the time of day; 1: none; 2: seconds since 1970; 3: since the packet before; 4: with the date; 5: since the first packet
   * @param nano nanoseconds instead of microseconds
   */
  constructor(style: number, nano: boolean) {
    this.#style = style;
    this.#nano = nano;
  }

  /** Returns the time with the space behind it; '' for none. */
  text(time: bigint): string {
    const unit = this.#nano ? 1n : MICROSECOND;
    const time_ns = time - (time % unit);
    switch (this.#style) {
      case 1:
        return '';
      case 2:
        return `${time_ns / SECOND}.${this.#fraction(time_ns)} `;
      case 3:
      case 5: {
        const difference = time_ns - (this.#reference ?? time_ns);
        if (this.#style === 3 || this.#reference === undefined) this.#reference = time_ns;
        return this.#difference(difference);
      }
      case 4:
        return `${date_of(time_ns)} ${this.#time_of_day(time_ns)} `;
    }
    return `${this.#time_of_day(time_ns)} `;
  }

  #fraction(time_ns: bigint): string {
    const digits = String(Number(time_ns % SECOND)).padStart(9, '0');
    return this.#nano ? digits : digits.slice(0, 6);
  }

  #difference(difference: bigint): string {
    const size = difference < 0n ? -difference : difference;
    const seconds = (size / SECOND) % DAY_SECONDS;
    const [hours, minutes] = [seconds / 3600n, (seconds / 60n) % 60n];
    const time = `${two_digits(hours)}:${two_digits(minutes)}:${two_digits(seconds % 60n)}`;
    return `${difference < 0n ? '-' : ' '}${time}.${this.#fraction(size)} `;
  }

  #time_of_day(time_ns: bigint): string {
    const seconds = Number(time_ns / SECOND);
    // Many packets have the same second.
    if (seconds !== this.#second) {
      const date = new Date(seconds * 1000);
      this.#second = seconds;
      this.#clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two_digits).join(':');
    }
    return `${this.#clock}.${this.#fraction(time_ns)}`;
  }
}

function date_of(time_ns: bigint): string {
  const date = new Date(Number(time_ns / 1_000_000n));
  return `${date.getFullYear()}-${two_digits(date.getMonth() + 1)}-${two_digits(date.getDate())}`;
}
