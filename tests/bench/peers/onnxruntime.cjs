// onnxruntime's side of compare: node onnxruntime.cjs FILE.onnx BATCH THREADS SECONDS, with onnxruntime-node on NODE_PATH.
// Prints the median of seven windows, after two runs that are not counted, as train/cmd_bench.c does for tinycnn.
const ort = require("onnxruntime-node");

const WINDOWS = 7;

async function main([file, batch, threads, seconds]) {
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all",
  });
  const pixels = Float32Array.from({ length: batch * 3 * 32 * 32 }, () => 2 * Math.random() - 1);
  const feeds = { x: new ort.Tensor("float32", pixels, [Number(batch), 3, 32, 32]) };
  for (let i = 0; i < 2; i++) await session.run(feeds);
  const rates = [];
  for (let w = 0; w < WINDOWS; w++) {
    const begin = performance.now();
    let steps = 0, passed = 0;
    while (passed < seconds / WINDOWS) {
      await session.run(feeds);
      steps++;
      passed = (performance.now() - begin) / 1e3;
    }
    rates.push(steps * batch / passed);
  }
  rates.sort((a, b) => a - b);
  const median = rates[(WINDOWS - 1) / 2];
  console.log(JSON.stringify({
    infer_img_per_s: median, infer_spread: (rates[WINDOWS - 1] - rates[0]) / median,
    peak_rss_mb: process.resourceUsage().maxRSS * 1024 / 1e6,
  }));
}

main(process.argv.slice(2));
