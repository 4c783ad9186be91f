// Pictures from files, folders and .npz, dropped or chosen.
import { count } from "./dom";
import { attempt, dismiss, notice } from "./notices";
import { NpzError, readNpz } from "./npz";
import { emptied, newRecording, put } from "./outbox";

interface Found { file: File; folder: string | null }  // folder: the name of the one it lies in

const is_npz = (file: File) => /\.npz$/i.test(file.name);
const is_picture = (file: File) => /^image\/(png|jpeg|webp|bmp|gif|avif)$/.test(file.type) || /\.(png|jpe?g|webp)$/i.test(file.name);
const most_side = 1280;
const most_files = 20000;

// The folders that are dropped are only there until the event is over: call this at once.
export function dropped(data: DataTransfer): Promise<Found[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  const found: Found[] = [];
  const walk = async (entry: FileSystemEntry, folder: string | null): Promise<void> => {
    if (found.length >= most_files || entry.name.startsWith(".")) return;
    if (entry.isFile) {
      found.push({ folder, file: await new Promise((done, failed) => (entry as FileSystemFileEntry).file(done, failed)) });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const some = () => new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    for (let part = await some(); part.length > 0; part = await some()) for (const each of part) await walk(each, entry.name);
  };
  if (entries.length === 0) return Promise.resolve([...data.files].map((file) => ({ file, folder: null })));
  return Promise.all(entries.map((entry) => walk(entry!, null))).then(() => found);
}

export function chosen(files: FileList): Found[] {
  return [...files].map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? null }));
}

async function asBlob(image: ImageBitmap | ImageData): Promise<Blob> {
  const scale = Math.min(1, most_side / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  const context = canvas.getContext("2d")!;
  if (image instanceof ImageData) context.putImageData(image, 0, 0);
  else context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, image instanceof ImageData ? "image/png" : "image/jpeg", 0.95));
  return blob ?? Promise.reject(new Error("The browser has no memory for this picture."));
}

// What the server reads, turned as the camera that took it was held, and not larger than is of use.
async function pictureOf(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  try {
    return file.type === "image/png" && Math.max(bitmap.width, bitmap.height) <= most_side ? file : await asBlob(bitmap);
  } finally {
    bitmap.close();
  }
}

// An import that can be stopped, and that waits while the server is busy.
class Import {
  private is_stopped = false;
  private done = 0;
  private readonly recordings = new Map<string, string>();
  constructor(private readonly all: number) { this.say(); }

  private say(): void {
    if (this.all > 30) notice("import", `Adding pictures: ${this.done.toLocaleString("en")} of ${this.all.toLocaleString("en")}.`,
      [{ text: "Stop", run: () => { this.is_stopped = true; } }]);
  }
  // Pictures of one `key` and sign are one recording.
  async add(sign: string, key: string, picture: () => Promise<Blob>): Promise<boolean> {
    if (this.is_stopped) return false;
    const of = `${key}/${sign}`, recording = this.recordings.get(of) ?? newRecording();
    this.recordings.set(of, recording);
    const blob = await picture();
    while (!put(sign, recording, blob)) await emptied().then(() => new Promise((done) => setTimeout(done, 500)));
    if (++this.done % 50 === 0) this.say();
    return true;
  }
  end(): void { dismiss("import"); }
}

export async function addFiles(found: Found[], sign: string | null): Promise<void> {
  const npz = found.filter(({ file }) => is_npz(file)), pictures = found.filter(({ file }) => is_picture(file));
  if (npz.length + pictures.length === 0) {
    notice("files", "There are no pictures in this: PNG, JPEG and WebP files, folders of them, and .npz files are taken.", [], { kind: "error" });
    return;
  }
  for (const { file } of npz) await attempt(() => addNpz(file));
  if (pictures.length === 0) return;
  if (sign === null && pictures.some(({ folder }) => folder === null)) {
    notice("files", "Which sign do these pictures show? Add the sign first and choose it, or put them into a folder that is named after it.", [], { kind: "error" });
    return;
  }
  const import_ = new Import(pictures.length), bad: string[] = [];
  for (const { file, folder } of pictures) {
    try {
      if (!await import_.add(folder ?? sign!, "files", () => pictureOf(file))) break;
    } catch {
      bad.push(file.name);
    }
  }
  import_.end();
  if (bad.length > 0) notice("files", `${count(bad.length, "file is", "files are")} no picture that can be read: ${bad.slice(0, 3).join(", ")}${bad.length > 3 ? ", …" : ""}. The others were added.`, [], { kind: "error" });
}

async function addNpz(file: File): Promise<void> {
  try {
    const { labels, groups, image } = await readNpz(file), import_ = new Import(labels.length);
    for (let at = 0; at < labels.length; ++at) {
      const label = labels[at]!.trim().replaceAll("/", "-").replace(/^\.+/, "") || "unnamed";
      if (!await import_.add(label, groups?.[at] ?? "file", () => asBlob(image(at)))) break;
    }
    import_.end();
  } catch (error) {
    throw error instanceof NpzError ? new Error(`${file.name} cannot be read: ${error.message}.`) : error;
  }
}
