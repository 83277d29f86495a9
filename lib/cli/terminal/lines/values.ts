// Values as tcpdump writes them: flags by name, text that is made safe.

/** Returns the names of the bits that are set, `none` without one. */
export function names_of_bits(
  bits: number,
  names: readonly (readonly [bit: number, name: string])[],
  none: string,
  between: string,
): string {
  const set = names.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
  return set.length === 0 ? none : set.join(between);
}

/** Returns bytes as text: what is not printable ASCII as ^A or M-A, as tcpdump writes it. */
export function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const low = byte & 0x7f;
    const high = byte > 0x7f ? 'M-' : '';
    return (
      high + (low >= 0x20 && low < 0x7f ? String.fromCharCode(low) : `^${String.fromCharCode(low ^ 0x40)}`)
    );
  }).join('');
}
