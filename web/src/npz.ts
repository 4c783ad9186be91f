// NumPy's .npz in the browser: a zip file of .npy arrays. Everything is checked before it is used.

export class NpzError extends Error {}
const fail = (text: string): never => { throw new NpzError(text); };

export const limits = { file: 512 << 20, array: 1 << 30, pictures: 20000, side: 2048 };

interface Member { name: string; method: number; packed: number; size: number; offset: number }
export interface Npy { shape: number[]; kind: string; bytes: DataView }  // kind: as in NumPy, such as <f8, |u1, <U3

function members(view: DataView): Member[] {
  // The end record: 22 bytes and a comment of at most 65535.
  let end = view.byteLength - 22;
  while (end >= 0 && end >= view.byteLength - 22 - 65535 && view.getUint32(end, true) !== 0x06054b50) --end;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) fail("it is no .npz file: the directory of a zip file is missing");
  const found: Member[] = [], count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; ++i) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== 0x02014b50) fail("its directory is broken");
    const length = view.getUint16(at + 28, true), extra = view.getUint16(at + 30, true), comment = view.getUint16(at + 32, true);
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, Math.min(length, view.byteLength - at - 46)));
    found.push({ name, method: view.getUint16(at + 10, true), packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true), offset: view.getUint32(at + 42, true) });
    at += 46 + length + extra + comment;
  }
  return found;
}

async function unpack(view: DataView, { name, method, packed, size, offset }: Member): Promise<DataView> {
  if (packed === 0xffffffff || size === 0xffffffff || size > limits.array) fail(`${name} is larger than ${limits.array >> 20} MB`);
  if (offset + 30 > view.byteLength || view.getUint32(offset, true) !== 0x04034b50) fail(`${name} is not where the directory says`);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packed > view.byteLength) fail(`${name} is cut short`);
  const bytes = new Uint8Array(view.buffer, start, packed);
  if (method === 0) return new DataView(view.buffer, start, packed);
  if (method !== 8) fail(`${name} is packed in a way that this page does not read: save it with numpy.savez or savez_compressed`);
  const out = new Uint8Array(size);
  const reader = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let filled = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (filled + part.value.length > size) break;
      out.set(part.value, filled);
      filled += part.value.length;
    }
  } catch {
    filled = -1;
  }
  void reader.cancel().catch(() => {});
  if (filled !== size) fail(`${name} is broken: it does not unpack to the size it should have`);
  return new DataView(out.buffer);
}

export function readNpy(view: DataView, name: string): Npy {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (view.byteLength < 12 || magic.some((byte, at) => view.getUint8(at) !== byte)) fail(`${name} is no NumPy array`);
  const is_one = view.getUint8(6) === 1, start = is_one ? 10 : 12;
  const length = is_one ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > view.byteLength) fail(`${name} is cut short`);
  const header = new TextDecoder("latin1").decode(new Uint8Array(view.buffer, view.byteOffset + start, length));
  const kind = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? fail(`${name} holds objects or records: numbers or texts are needed`);
  if (/'fortran_order':\s*True/.test(header)) fail(`${name} is stored column by column: save numpy.ascontiguousarray of it`);
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? fail(`${name} has no shape`)).split(",").map((text) => text.trim()).filter(Boolean).map(Number);
  const width = kind[1] === "U" ? 4 * Number(kind.slice(2)) : Number(kind.slice(2));
  const bytes = new DataView(view.buffer, view.byteOffset + start + length);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || !(width > 0) || shape.reduce((a, b) => a * b, width) !== bytes.byteLength)
    fail(`${name} has not as many bytes as its shape says`);
  return { shape, kind, bytes };
}

// The number at a place; texts are for `texts`.
function reader({ kind, bytes }: Npy, name: string): (at: number) => number {
  const little = kind[0] !== ">";
  switch (kind.slice(1)) {
    case "u1": case "b1": return (at) => bytes.getUint8(at);
    case "i1": return (at) => bytes.getInt8(at);
    case "u2": return (at) => bytes.getUint16(2 * at, little);
    case "i2": return (at) => bytes.getInt16(2 * at, little);
    case "u4": return (at) => bytes.getUint32(4 * at, little);
    case "i4": return (at) => bytes.getInt32(4 * at, little);
    case "i8": return (at) => Number(bytes.getBigInt64(8 * at, little));
    case "u8": return (at) => Number(bytes.getBigUint64(8 * at, little));
    case "f4": return (at) => bytes.getFloat32(4 * at, little);
    case "f8": return (at) => bytes.getFloat64(8 * at, little);
    default: return fail(`${name} has values of the kind ${kind}, which this page does not read`);
  }
}

function texts(array: Npy, name: string): string[] {
  const { kind, bytes, shape } = array, n = shape.reduce((a, b) => a * b, 1), width = Number(kind.slice(2));
  if (kind[1] !== "U" && kind[1] !== "S") {
    const number = reader(array, name);
    return Array.from({ length: n }, (_, at) => String(number(at)));
  }
  const step = kind[1] === "U" ? 4 : 1;
  return Array.from({ length: n }, (_, at) => {
    const codes: number[] = [];
    for (let i = 0; i < width; ++i) codes.push(step === 4 ? bytes.getUint32(4 * (at * width + i), kind[0] !== ">") : bytes.getUint8(at * width + i));
    while (codes.at(-1) === 0) codes.pop();
    if (codes.some((code) => code > 0x10ffff)) fail(`${name} holds what is no text`);
    return step === 4 ? String.fromCodePoint(...codes) : new TextDecoder().decode(new Uint8Array(codes));
  });
}

export interface Pictures {
  labels: string[]; groups: string[] | null; width: number; height: number;
  image: (at: number) => ImageData;
}

// [N, H, W], [N, H, W, 1 or 3], or [N, H*W] of squares
function sizes(shape: number[], name: string): [number, number, number] {
  const [, a, b, c] = shape;
  if (shape.length === 2 && Number.isInteger(Math.sqrt(a!))) return [Math.sqrt(a!), Math.sqrt(a!), 1];
  if (shape.length === 3) return [a!, b!, 1];
  if (shape.length === 4 && (c === 1 || c === 3)) return [a!, b!, c];
  return fail(`${name} has the shape ${shape.join(" x ")}: pictures are N x height x width, the same x 3 for colours, or N x pixels of squares`);
}

export async function readNpz(file: Blob): Promise<Pictures> {
  if (file.size > limits.file) fail(`it is larger than ${limits.file >> 20} MB: give its folder to \`mudra serve --data\` instead`);
  const view = new DataView(await file.arrayBuffer());
  const there = new Map(members(view).map((member) => [member.name.replace(/\.npy$/, ""), member]));
  const load = async (name: string) => readNpy(await unpack(view, there.get(name)!), name);
  const name = ["dataset", "images"].find((each) => there.has(each)) ?? fail(`it has no array \`dataset\` or \`images\`, only ${[...there.keys()].slice(0, 6).join(", ") || "nothing"}`);
  if (!there.has("labels")) fail("it has no array `labels`, which says what each picture shows");
  const pixels = await load(name), labels = texts(await load("labels"), "labels");
  const [height, width, channels] = sizes(pixels.shape, name), n = pixels.shape[0]!;
  if (n !== labels.length) fail(`it has ${n} pictures, but ${labels.length} labels`);
  if (n > limits.pictures) fail(`it has ${n} pictures; this page takes at most ${limits.pictures} at once`);
  if (!(width > 0 && height > 0) || Math.max(width, height) > limits.side) fail(`its pictures are ${width} x ${height} pixels; at most ${limits.side} a side are taken`);
  const group = ["group", "hand"].find((each) => there.has(each)), groups = group ? texts(await load(group), group) : null;
  const value = reader(pixels, name), one = width * height * channels;
  // Floating-point pixels are 0..255 or 0..1.
  let top = 0;
  const is_float = pixels.kind[1] === "f";
  for (let at = 0; is_float && at < Math.min(n, 50) * one; ++at) top = Math.max(top, value(at));
  const scale = is_float && top <= 1 ? 255 : 1;
  return {
    labels, groups: groups?.length === n ? groups : null, width, height,
    image(at) {
      const image = new ImageData(width, height);
      for (let i = 0; i < width * height; ++i) {
        for (let c = 0; c < 3; ++c) image.data[4 * i + c] = scale * value(at * one + i * channels + (channels === 3 ? c : 0));
        image.data[4 * i + 3] = 255;
      }
      return image;
    },
  };
}
