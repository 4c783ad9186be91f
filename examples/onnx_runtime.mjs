// Asks an exported model about images with ONNX Runtime:
//   npm install onnxruntime-node
//   node onnx_runtime.mjs MODEL.onnx BYTES HEIGHT WIDTH CHANNELS
// BYTES holds one or more images of the model's size: rows from the top, pixels from the left, grey or red, green,
// blue. Prints one line of probabilities for each.
import fs from "node:fs";
import ort from "onnxruntime-node";

const [model, file, ...size] = process.argv.slice(2);
const [height, width, channels] = size.map(Number);
const bytes = fs.readFileSync(file);
const count = bytes.length / (height * width * channels);

const session = await ort.InferenceSession.create(model);
const images = new ort.Tensor("uint8", bytes, [count, height, width, channels]);
const { probabilities } = await session.run({ images }, ["probabilities"]);

const classes = probabilities.dims[1];
for (let n = 0; n < count; ++n) {
  const row = probabilities.data.subarray(n * classes, (n + 1) * classes);
  console.log(Array.from(row, (p) => p.toFixed(6)).join(" "));
}
