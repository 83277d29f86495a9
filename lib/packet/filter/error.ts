// The error of a filter expression.

const SHOWN = 60;

/** A filter expression that is wrong. `column` counts from 1. */
export class FilterError extends SyntaxError {
  static {
    Object.defineProperty(FilterError.prototype, 'name', {
      value: 'FilterError',
      configurable: true,
      writable: true,
    });
  }
  /** What is wrong, without the expression. */
  readonly reason: string;
  /** The expression as it was given. */
  readonly expression: string;
  /** The character at which the expression is wrong: 1 is the first one. */
  readonly column: number;
  /**
   * @param reason what is wrong
   * @param expression the expression as it was given
   * @param column the character at which it is wrong, from 1
   */
  constructor(reason: string, expression: string, column: number) {
    super(`${reason} (column ${column})\n${excerpt(expression, column)}`);
    this.reason = reason;
    this.expression = expression;
    this.column = column;
  }
}

/** Returns the part of the expression around the column, and a line with a caret below it. */
function excerpt(expression: string, column: number): string {
  const from = column > SHOWN ? column - SHOWN : 0;
  const part = expression.slice(from, column + SHOWN);
  const before = from > 0 ? '…' : '';
  const after = column + SHOWN < expression.length ? '…' : '';
  const line = `  ${before}${part}${after}`.replaceAll(/\s/g, ' ');
  return `${line}\n  ${' '.repeat(before.length + column - 1 - from)}^`;
}
