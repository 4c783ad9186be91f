// Answers over frames. No document, no clock of its own: a test can call all of it.

// The label that has led for k of the last n frames.
export class Steady {
  private last: (string | null)[] = [];
  constructor(readonly n = 8, readonly k = 6) {}

  add(label: string | null): { label: string | null; led: number; is_steady: boolean } {
    this.last.push(label);
    if (this.last.length > this.n) this.last.shift();
    const counts = new Map<string | null, number>();
    for (const each of this.last) counts.set(each, (counts.get(each) ?? 0) + 1);
    let best: string | null = label, led = 0;
    for (const [each, times] of counts) if (times > led) [best, led] = [each, times];
    return { label: best, led, is_steady: led >= this.k };
  }
  clear(): void { this.last = []; }
}

// Writes a sign that has been held for `hold` milliseconds; the same again only after it was let go.
export class Speller {
  text: string[] = [];
  private held: string | null = null;
  private since = 0;
  private is_written = false;
  constructor(readonly hold = 700) {}

  // steady: the steady label, null for none of these, undefined while nothing is steady
  add(steady: string | null | undefined, now: number): { written: string | null; progress: number } {
    if (steady === undefined && this.held !== null) steady = this.held;  // a moment's doubt does not let go
    if (steady === null || steady === undefined) {
      this.held = null;
      return { written: null, progress: 0 };
    }
    if (steady !== this.held) {
      this.held = steady;
      this.since = now;
      this.is_written = false;
    }
    if (this.is_written) return { written: null, progress: 1 };
    const progress = Math.min(1, (now - this.since) / this.hold);
    if (progress < 1) return { written: null, progress };
    this.is_written = true;
    this.text.push(steady);
    return { written: steady, progress: 1 };
  }
}

// Signs of one letter are written without spaces, words with them.
export function joined(signs: string[]): string {
  let text = "";
  signs.forEach((sign, at) => {
    const before = signs[at - 1];
    text += (at > 0 && ([...sign].length > 1 || [...before!].length > 1) ? " " : "") + sign;
  });
  return text;
}

// The last n times, and the value below which a share of them lies.
export class Times {
  private values: number[] = [];
  constructor(readonly n = 100) {}
  add(value: number): void {
    this.values.push(value);
    if (this.values.length > this.n) this.values.shift();
  }
  get count(): number { return this.values.length; }
  quantile(share: number): number {
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  }
}
