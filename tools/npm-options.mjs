// npm keeps the options before `--` to itself, and the stage would be another than was meant.
const kept = ['stage', 'region', 'param'].filter((name) => `npm_config_${name}` in process.env);
if (kept.length > 0) {
  const script = process.env.npm_lifecycle_event?.replace(/^pre/, '');
  console.error(`npm kept --${kept.join(' and --')} to itself. Write -- first: npm run ${script} -- --stage prod`);
  process.exitCode = 1;
}
