// Which view of view/ an operation has: JSON lines, output as it comes or gathered, progress of transfers on a terminal or in lines.

import { NodeSet } from '../hosts/nodesets.js';
import type { Action } from '../log/index.js';
import type { FleetEvent, Outcome } from '../types.js';
import {
  body,
  bytes_text,
  difference_lines,
  files_line,
  front_of,
  Gatherer,
  gathered_lines,
  json_line,
  LiveView,
  Progress,
  ProgressLog,
  paint_for,
  progress_lines,
  safe_text,
  status_line,
  summary_lines,
} from '../view/index.js';
import type { RunValues } from './options.js';
import type { Output } from './output.js';
import type { Screen } from './screen.js';

const fold = (hosts: readonly string[]) => NodeSet.of(hosts).fold();

/** What the user sees of an operation. */
export interface View {
  event(event: FleetEvent): void;
  end(outcomes: readonly Outcome[], seconds: number): void;
}

/** Returns the view that the options ask for, of an operation on these hosts. */
export function view_of(
  values: RunValues,
  action: Action,
  names: readonly string[],
  output: Output,
  screen: Screen,
): View {
  if (values.json) {
    const line = (event: FleetEvent) => {
      // The next line of progress says more. A reader that is slow must not let them pile up.
      const passes = event.type === 'progress' || event.type === 'hashing';
      if (!passes || !output.is_waiting) output.write('stdout', `${json_line(event)}\n`);
    };
    return { event: line, end: () => {} };
  }
  const summary = (outcomes: readonly Outcome[], seconds: number) => {
    // None: an error says why nothing was begun.
    if (outcomes.length === 0) return;
    const lines = summary_lines(outcomes, seconds, fold, paint_for(process.stderr, process.env));
    screen.write('stderr', `${lines.join('\n')}\n`);
  };
  if (action !== 'run') return progress_view(names, values['dry-run'] || action === 'clean', screen, summary);
  return with_status(names, screen, output_view(values, names, screen, summary));
}

/** The output of hosts: gathered, by host, or as it comes. */
function output_view(
  values: RunValues,
  names: readonly string[],
  screen: Screen,
  summary: View['end'],
): View {
  const paint = paint_for(process.stdout, process.env);
  const prefix = !values['no-prefix'];
  if (values.gather || values.diff || values.ordered) {
    const gatherer = new Gatherer();
    return {
      event: (event) => {
        // A new attempt begins its output anew.
        if (event.type === 'begin') gatherer.begin(event.host);
        if (event.type === 'output') gatherer.take(event);
        if (event.type === 'end') gatherer.end(event.outcome);
      },
      end: (outcomes, seconds) => {
        if (values.ordered) for (const name of names) print_host(gatherer, name, prefix, screen);
        else {
          const lines = (values.diff ? difference_lines : gathered_lines)(gatherer.groups(), fold, paint);
          screen.write('stdout', lines.map((line) => `${line}\n`).join(''));
        }
        summary(outcomes, seconds);
      },
    };
  }
  const live = new LiveView({ paint, prefix, write: (text, stream) => screen.write(stream, text) });
  return {
    event: (event) => {
      if (event.type === 'output') live.take(event);
      if (event.type === 'end') live.end(event.outcome.host);
    },
    end: summary,
  };
}

function print_host(gatherer: Gatherer, host: string, prefix: boolean, screen: Screen): void {
  const text = gatherer.of(host);
  for (const stream of ['stdout', 'stderr'] as const) {
    const front = prefix ? front_of(host, stream, paint_for(process[stream], process.env)) : '';
    const lines = text ? body(text[stream]) : [];
    screen.write(stream, lines.map((line) => `${front}${line}\n`).join(''));
  }
}

/** Seconds until the status is seen: what is done at once needs none. */
const STATUS_DELAY = 1;

const now = () => performance.now() / 1000;

/** Shows below the output for whom it waits. Not if the output goes elsewhere: that may be a pager on this terminal. */
function with_status(names: readonly string[], screen: Screen, view: View): View {
  if (!process.stderr.isTTY || !process.stdout.isTTY) return view;
  const progress = new Progress(names, undefined, now());
  const paint = paint_for(process.stderr, process.env);
  screen.begin(({ columns }) => [status_line(progress, now(), { columns, fold, paint })], STATUS_DELAY);
  return {
    event: (event) => {
      progress.take(event, now());
      view.event(event);
    },
    end: (outcomes, seconds) => {
      screen.end();
      view.end(outcomes, seconds);
    },
  };
}

/** What became of a file, as a line. A part has its size: that is why it is removed. */
export function file_text({
  state,
  path,
  size,
}: Pick<FleetEvent & { type: 'file' }, 'state' | 'path' | 'size'>) {
  const is_part = state === 'removed' || state === 'would remove';
  return `${state} ${safe_text(path)}${is_part && size !== undefined ? ` (${bytes_text(size)})` : ''}`;
}

function progress_view(
  names: readonly string[],
  names_files: boolean,
  screen: Screen,
  summary: View['end'],
): View {
  const progress = new Progress(names, undefined, now());
  const paint = paint_for(process.stderr, process.env);
  const log = new ProgressLog(progress, (line) => screen.write('stderr', line));
  let timer: NodeJS.Timeout | undefined;
  if (process.stderr.isTTY) screen.begin((size) => progress_lines(progress, now(), { ...size, paint }), 0);
  else timer = setInterval(() => log.tick(now()), 1000);
  return {
    event: (event) => {
      progress.take(event, now());
      if (names_files && event.type === 'file')
        screen.write('stdout', `${event.host}: ${file_text(event)}\n`);
    },
    end: (outcomes, seconds) => {
      clearInterval(timer);
      screen.end();
      const files = files_line(progress);
      if (files !== undefined) screen.write('stderr', `${files}\n`);
      summary(outcomes, seconds);
    },
  };
}
