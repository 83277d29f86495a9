// Which view of view/ an operation has: JSON lines, output as it comes or gathered, progress of transfers on a terminal or in lines.

import { NodeSet } from '../hosts/nodesets.js';
import type { Action } from '../log/index.js';
import type { FleetEvent, Outcome } from '../types.js';
import {
  bytes_text,
  difference_lines,
  files_line,
  Gatherer,
  gathered_lines,
  json_line,
  LiveView,
  Painter,
  Progress,
  ProgressLog,
  paint_for,
  progress_lines,
  safe_text,
  summary_lines,
  type TerminalStream,
} from '../view/index.js';
import type { RunValues } from './options.js';
import type { Output } from './output.js';

const fold = (hosts: readonly string[]) => NodeSet.of(hosts).fold();

/** What the user sees of an operation. */
export interface View {
  event(event: FleetEvent): void;
  end(outcomes: readonly Outcome[], seconds: number): void;
}

/** Returns the view that the options ask for, of an operation on these hosts. */
export function view_of(values: RunValues, action: Action, names: readonly string[], output: Output): View {
  if (values.json) {
    const line = (event: FleetEvent) => {
      // The next line of progress says more. A reader that is slow must not let them pile up.
      if (event.type !== 'progress' || !output.is_waiting) output.write('stdout', `${json_line(event)}\n`);
    };
    return { event: line, end: () => {} };
  }
  const paint = paint_for(process.stdout, process.env);
  const summary = (outcomes: readonly Outcome[], seconds: number) => {
    // None: an error says why nothing was begun.
    if (outcomes.length === 0) return;
    const lines = summary_lines(outcomes, seconds, fold, paint_for(process.stderr, process.env));
    output.write('stderr', `${lines.join('\n')}\n`);
  };
  if (action !== 'run') return progress_view(names, values['dry-run'] || action === 'clean', output, summary);
  if (values.gather || values.diff) {
    const gatherer = new Gatherer();
    return {
      event: (event) => {
        // A new attempt begins its output anew.
        if (event.type === 'begin') gatherer.begin(event.host);
        if (event.type === 'output') gatherer.take(event);
      },
      end: (outcomes, seconds) => {
        const lines = (values.diff ? difference_lines : gathered_lines)(gatherer.groups(), fold, paint);
        output.write('stdout', lines.map((line) => `${line}\n`).join(''));
        summary(outcomes, seconds);
      },
    };
  }
  const live = new LiveView({ paint, write: (text, stream) => output.write(stream, text) });
  return {
    event: (event) => {
      if (event.type === 'output') live.take(event);
      if (event.type === 'end') live.end(event.outcome.host);
    },
    end: summary,
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
  output: Output,
  summary: View['end'],
): View {
  const now = () => performance.now() / 1000;
  const progress = new Progress(names, undefined, now());
  const write = (text: string) => output.write('stderr', text);
  const { stderr } = process;
  const painter = stderr.isTTY ? new Painter(terminal_of(stderr, write)) : undefined;
  const log = new ProgressLog(progress, write);
  const paint = paint_for(process.stderr, process.env);
  const draw = () => {
    // A terminal that is slow gets the next state, not all of them.
    if (output.is_waiting) return;
    if (painter) painter.draw(progress_lines(progress, now(), { ...painter.screen, paint }));
    else log.tick(now());
  };
  const timer = setInterval(draw, painter ? 100 : 1000);
  return {
    event: (event) => {
      progress.take(event, now());
      if (!names_files || event.type !== 'file') return;
      painter?.clear();
      output.write('stdout', `${event.host}: ${file_text(event)}\n`);
    },
    end: (outcomes, seconds) => {
      clearInterval(timer);
      painter?.clear();
      const files = files_line(progress);
      if (files !== undefined) process.stderr.write(`${files}\n`);
      summary(outcomes, seconds);
    },
  };
}

/** The terminal's size, as it is at each time, with the writes of the output. */
function terminal_of(terminal: NodeJS.WriteStream, write: (text: string) => void): TerminalStream {
  return {
    write,
    get columns() {
      return terminal.columns;
    },
    get rows() {
      return terminal.rows;
    },
  };
}
