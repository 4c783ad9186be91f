// What the network looked at: warm where covering the place costs the answer its probability.
import { type Explanation } from "./api";

const warm: [number, number, number] = [255, 176, 32];

function heat({ side, values }: Explanation): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d")!, image = context.createImageData(side, side), top = Math.max(1e-6, ...values);
  values.forEach((value, at) => {
    const share = Math.max(0, value) / top;
    image.data.set([...warm, Math.round(225 * share ** 0.8)], 4 * at);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

// Draws picture and heat; the cut's corners are those of `view`.
export function drawExplanation(canvas: HTMLCanvasElement, picture: ImageBitmap, explanation: Explanation, is_mirrored: boolean): void {
  const scale = Math.min(1, 960 / Math.max(picture.width, picture.height)), w = picture.width * scale, h = picture.height * scale;
  canvas.width = Math.round(w);
  canvas.height = Math.round(h);
  const context = canvas.getContext("2d")!;
  if (is_mirrored) context.setTransform(-1, 0, 0, 1, canvas.width, 0);
  context.drawImage(picture, 0, 0, w, h);
  context.fillStyle = "rgba(10, 14, 20, 0.5)";
  context.fillRect(0, 0, w, h);
  const corners = (explanation.view ?? [[0, 0], [1, 0], [1, 1], [0, 1]]).map(([x, y]) => [x! * w, y! * h] as const);
  const outline = () => {
    context.beginPath();
    for (const corner of corners) context.lineTo(...corner);
    context.closePath();
  };
  context.save();
  outline();
  context.clip();
  context.drawImage(picture, 0, 0, w, h);
  // The cut is a parallelogram: three corners place it.
  const [a, b, , d] = corners as [readonly [number, number], readonly [number, number], unknown, readonly [number, number]];
  context.transform((b[0] - a[0]) / explanation.side, (b[1] - a[1]) / explanation.side, (d[0] - a[0]) / explanation.side, (d[1] - a[1]) / explanation.side, a[0], a[1]);
  context.imageSmoothingQuality = "high";
  context.drawImage(heat(explanation), 0, 0);
  context.restore();
  outline();
  context.lineWidth = Math.max(1.5, w / 400);
  context.strokeStyle = "#ffffff";
  context.stroke();
}
