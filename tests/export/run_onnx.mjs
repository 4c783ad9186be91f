// Runs ONNX models in ONNX Runtime: reads [{model, images, shape: [N, H, W, C]}] from standard input, `images` a
// file of N*H*W*C bytes, and prints [{probabilities: [[...]...], logits: [[...]...]}].
import fs from "node:fs";
import ort from "onnxruntime-node";

const rows = ({ data, dims }) =>
  Array.from({ length: dims[0] }, (_, n) => Array.from(data.subarray(n * dims[1], (n + 1) * dims[1])));

const answers = [];
for (const { model, images, shape } of JSON.parse(fs.readFileSync(0, "utf8"))) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const found = await session.run({ images: new ort.Tensor("uint8", fs.readFileSync(images), shape) });
  answers.push({ probabilities: rows(found.probabilities), logits: rows(found.logits) });
}
console.log(JSON.stringify(answers));
