// Messages of NTP on a line, as tcpdump writes them.
import type { Ntp, NtpControl } from '../../../../packet/index.js';
import type { Place } from '../place.js';

const MODES: readonly string[] = [
  ...['unspecified', 'symmetric active', 'symmetric passive', 'Client', 'Server', 'Broadcast'],
  ...['Control Message', 'Reserved'],
];

/** Returns "NTPv4, Client, length 48". */
export function ntp_text({ version, mode }: Ntp, { length }: Place): string {
  return `NTPv${version}, ${MODES[mode]}, length ${length}`;
}

/** Returns "NTPv2, Control Message, length 12". */
export function ntp_control_text({ version }: NtpControl, { length }: Place): string {
  return `NTPv${version}, Control Message, length ${length}`;
}
