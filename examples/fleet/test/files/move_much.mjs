// Puts or gets a file by the class Fleet. Prints JSON: the outcomes, how many files ended in which way, what was sent, and the most memory that it took.
// Arguments: INVENTORY put|get SOURCE TARGET
import { Fleet, Inventory } from '../../dist/index.js';

const [path = '', action, source = '', target = ''] = process.argv.slice(2);
const fleet = new Fleet({ inventory: await Inventory.load(path), config_files: [] });
/** @type {Record<string, number>} */
const states = {};
let sent = 0;
/** @type {import('../../dist/index.js').GetOptions} */
const options = {
  limits: { connect_timeout: 120 },
  on_event: (event) => {
    if (event.type !== 'file') return;
    states[event.state] = (states[event.state] ?? 0) + 1;
    sent += event.sent ?? 0;
  },
};
const results = await (action === 'put'
  ? fleet.put('@*', source, target, options)
  : fleet.get('@*', source, target, options));
const outcomes = results.map(({ host, ok, reason }) =>
  reason === undefined ? { host, ok } : { host, ok, reason },
);
const megabytes = Math.round(process.resourceUsage().maxRSS / 1000);
console.log(JSON.stringify({ outcomes, states, sent, megabytes }));
