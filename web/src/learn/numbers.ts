// Numbers as a person reads them, and as she writes them.

const raised = (power: number) => [...String(power)].map((each) => (each === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(each)]!)).join("");

// As many digits as told, with a true minus sign: −0.04123, 1.2×10⁻⁷.
export function digits(value: number | null | undefined, precision = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value).replace("-", "−");
  const size = Math.abs(value);
  let text: string;
  if (size >= 1e-4 && size < 1e6) text = size.toPrecision(precision);
  else {
    const [mantissa, power] = size.toExponential(precision - 1).split("e");
    text = `${mantissa}×10${raised(Number(power))}`;
  }
  if (text.includes("e")) text = String(Math.round(size));
  return value < 0 ? `−${text}` : text;
}

// Of a share, such as an accuracy.
export const share = (value: number | null): string => (value === null ? "–" : `${(100 * value).toFixed(1)}%`);

// What a person wrote: 0.5, −0,5, 1/3, 81.2%. NaN if it is no number.
export function read(text: string): number {
  const plain = text.trim().replaceAll("−", "-").replaceAll(" ", "").replace(",", ".").replace(/[×x*]10\^?/i, "e");
  const fraction = /^([^/]+)\/([^/]+)$/.exec(plain);
  if (fraction) return read(fraction[1]!) / read(fraction[2]!);
  if (/^[^%]+%$/.test(plain)) return read(plain.slice(0, -1)) / 100;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

// The smallest of 1, 2, 5, 10, 20 ... that is no smaller: the end of a scale that does not flicker.
export function roundUp(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((each) => each * power >= value * 0.999) ?? 10) * power;
}
