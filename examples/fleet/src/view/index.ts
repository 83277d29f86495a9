// What users see of an operation.
export { type Colour, type Paint, paint_for, plain } from './colour.js';
export { body, difference_lines, type Fold, Gatherer, type Group, gathered_lines } from './gather.js';
export { type CommandEvent, json_line, summary_event } from './json.js';
export { front_of, LiveView } from './live.js';
export { Painter, ProgressLog, type TerminalStream } from './painter.js';
export { bytes_text, files_line, Progress, progress_lines, type Screen, seconds_text } from './progress.js';
export { status_line } from './status.js';
export { failures_of, summary_lines } from './summary.js';
export { safe_line, safe_text } from './text.js';
