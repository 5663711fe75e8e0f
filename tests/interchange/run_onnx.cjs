// run_onnx.cjs FOLDER, with onnxruntime-node on NODE_PATH: every .onnx of onnx_cases on its pictures, in two batches of
// different sizes. Fails where a decision is another or a logit further off than 1e-4.
const fs = require("fs");
const path = require("path");
const ort = require("onnxruntime-node");

const LARGEST_DIFFERENCE = 1e-4;

function floats(file) {
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function best(row) {
  return row.reduce((most, value, k) => (value > row[most] ? k : most), 0);
}

async function answers(file, pixels, count) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
  const shape = session.inputMetadata?.[0]?.shape?.slice(1) ?? [3, 32, 32];
  const each = pixels.length / count, first = Math.floor(count / 3), all = [];
  for (const [from, to] of [[0, first], [first, count]]) {
    const input = new ort.Tensor("float32", pixels.slice(from * each, to * each), [to - from, ...shape]);
    all.push(...(await session.run({ input })).logits.data);
  }
  return all;
}

async function main([folder]) {
  let failed = false;
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".onnx")).sort()) {
    const [name, kind] = file.split(".");
    const pixels = floats(path.join(folder, `${name}.${kind === "bytes" ? "bytes" : "normal"}.f32`));
    const wanted = floats(path.join(folder, `${name}.logits.f32`));
    const classes = name === "everything" ? 7 : 10, count = wanted.length / classes;
    const got = await answers(path.join(folder, file), pixels, count);
    let off = 0, largest = 0, same = 0;
    for (let i = 0; i < wanted.length; i++) {
      off = Math.max(off, Math.abs(got[i] - wanted[i]));
      largest = Math.max(largest, Math.abs(wanted[i]));
    }
    for (let n = 0; n < count; n++)
      same += best(Array.from(wanted.slice(n * classes, (n + 1) * classes))) === best(got.slice(n * classes, (n + 1) * classes));
    const good = got.length === wanted.length && same === count && off <= LARGEST_DIFFERENCE;
    failed ||= !good;
    console.log(`${file.padEnd(28)} ${String(count).padStart(5)} pictures, ${same} same decisions, largest difference ` +
      `${off.toExponential(1)} (largest logit ${largest.toFixed(1)})${good ? "" : "  FAILED"}`);
  }
  process.exit(failed ? 1 : 0);
}

main(process.argv.slice(2));
