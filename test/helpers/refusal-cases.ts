import type { Case } from './alarm-cases.ts';
import type { Pattern } from './alarm-traffic.ts';
import type { FaultName, Recording } from './recorded-faults.ts';

const HEALTHY_SECONDS = 20 * 60;
const CALLERS: readonly FaultName[] = [
  'another audience',
  'another issuer',
  'another groups claim',
  'a rule that refuses all',
  'tokens that name the issuer',
];
const GROUPS: readonly FaultName[] = ['RongCloud rejects all users', 'every group is full'];

/** Traffic in which everybody is refused from one moment on, after a while in which all was well. */
function refusedFrom(
  refused: readonly Recording[],
  well: Recording,
  every: number,
  delay: number,
  times: number,
): Pattern {
  return (traffic, from, seconds) => {
    for (let at = from - HEALTHY_SECONDS; at < from; at += every) traffic.request(at, well, times);
    // Three callers, or groups, one after the other: what a door counts of them grows.
    const [last] = refused.slice(-1);
    const first = refused.slice(0, -1)[Symbol.iterator]();
    for (let at = from + delay; at < from + seconds; at += every) {
      const recording = first.next().value ?? last;
      if (recording) traffic.request(at, recording, times);
    }
  };
}

/** Everybody refused, by what was deployed or by RongCloud's word, at one request in 2 minutes, 60 and 600 a minute. */
export function refusalCases(recorded: ReadonlyMap<FaultName, readonly Recording[]>): Case[] {
  const well = recorded.get('none') ?? [];
  const cases = (faults: readonly FaultName[], alarm: string): Case[] =>
    faults.flatMap((fault) =>
      well.flatMap((healthy) => {
        const refused = recorded.get(fault)?.filter(({ door }) => door === healthy.door) ?? [];
        if (refused.length === 0) return [];
        const pattern = (every: number, delay: number, times: number) =>
          refusedFrom(refused, healthy, every, delay, times);
        const traffic = (rate: string, patterns: Pattern[]) => {
          return { fault, traffic: `${healthy.door}, ${rate}`, patterns, alarms: [alarm] };
        };
        return [
          traffic('one in 2 minutes', [pattern(120, 1, 1), pattern(120, 119, 1)]),
          traffic('60 a minute', [pattern(1, 0, 1)]),
          traffic('600 a minute', [pattern(1, 0, 10)]),
        ];
      }),
    );
  return [...cases(CALLERS, 'EverybodyRefused'), ...cases(GROUPS, 'UpstreamRefusesAll')];
}
