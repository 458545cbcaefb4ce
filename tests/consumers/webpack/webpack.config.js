export default { entry: "./main.js", performance: { hints: false } };
