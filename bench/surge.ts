import { runBeside } from './surge/beside.ts';
import { runEvent } from './surge/event.ts';
import { runHang } from './surge/hang.ts';

// What people get when too many ask at once, when RongCloud hangs, and beside a full queue. The doors' own code runs, in
// as many environments as the load asks for and in simulated time, so every run prints the same. It takes a minute;
// `npm run bench:surge -- hang` runs one part.

const SCENARIOS = { event: runEvent, hang: runHang, beside: runBeside };

const wanted = process.argv.slice(2);
for (const name of wanted) if (!Object.hasOwn(SCENARIOS, name)) throw new Error(`no scenario ${name}`);
for (const [name, run] of Object.entries(SCENARIOS)) if (wanted.length === 0 || wanted.includes(name)) await run();
