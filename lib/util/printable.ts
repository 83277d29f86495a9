// Text of other machines, users and the kernel, made safe to print.

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * printable(text) -> the text with its control characters escaped (\u001b), so that it can neither steer a terminal nor look
 * like a line of its own.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);
}
