// Counters with labels, and their text in the format that Prometheus reads (text format 0.0.4).

/** Series of one name: labels come from clients' commands, and must not fill the memory. */
const MOST_SERIES = 1000;

/** The metrics, and what each counts. */
export const METRICS: Readonly<Record<string, string>> = {
  ftp_connections_total: 'Connections that were let in',
  ftp_refusals_total: 'Connections and log-ins that were turned away, by reason',
  ftp_logins_total: 'Log-ins that succeeded',
  ftp_login_failures_total: 'Log-ins that failed',
  ftp_bans_total: 'Bans of an address after failed log-ins',
  ftp_replies_total: 'Replies, by code',
  ftp_commands_total: 'Commands, by name',
  ftp_transfers_total: 'Transfers, by direction and result',
  ftp_transfer_bytes_total: 'Bytes of files on data connections, by direction',
  ftp_passive_ports_exhausted_total: 'Passive data connections that found no free port',
  ftp_data_strangers_total: 'Data connections of another address than the client, which were closed',
  ftp_series_dropped_total: 'Labels that were not counted, as there were too many',
  ftp_audit_dropped_total: 'Audit records that could not be written',
  ftp_sessions: 'Sessions now',
  ftp_logged_in_sessions: 'Sessions now whose user has logged in',
  ftp_transfers: 'Transfers now, by direction',
  ftp_banned_addresses: 'Addresses that are banned now',
};

/** Whether a name may be one of a metric or label. */
function is_metric_name(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** The text of labels, as label_text() makes it. */
const LABELS = /^(?:|\{\w+="(?:[^"\\\n]|\\.)*"(?:,\w+="(?:[^"\\\n]|\\.)*")*\})$/;

function label_text(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return '';
  return `{${names.map((name) => `${name}=${quote(labels[name] ?? '')}`).join(',')}}`;
}

/** A metric that is asked for when the text is made. */
export interface Gauge {
  name: string;
  labels?: Record<string, string> | undefined;
  value: number;
}

/** The values of all counters, by name and text of their labels. */
export type SavedCounters = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** All counters. */
export class Counters {
  readonly #series = new Map<string, Map<string, number>>();

  /**
   * Adds to a counter.
   *
   * @param amount not below 0
   * @throws TypeError for a name that Prometheus does not take, or an amount that is none
   */
  add(name: string, labels: Readonly<Record<string, string>>, amount = 1): void {
    if (![name, ...Object.keys(labels)].every(is_metric_name)) {
      throw new TypeError(
        `the names of a counter and its labels have letters, digits and _, not ${JSON.stringify(name)}`,
      );
    }
    if (!Number.isFinite(amount) || amount < 0)
      throw new TypeError(`amount must be 0 or more, not ${amount}`);
    this.#add(name, label_text(labels), amount);
  }

  #add(name: string, text: string, amount: number): void {
    let series = this.#series.get(name);
    if (series === undefined) {
      series = new Map();
      this.#series.set(name, series);
    }
    const known = series.get(text);
    if (known === undefined && series.size >= MOST_SERIES) {
      this.add('ftp_series_dropped_total', {});
      return;
    }
    series.set(text, (known ?? 0) + amount);
  }

  /** All values, to be saved. */
  saved(): SavedCounters {
    return Object.fromEntries([...this.#series].map(([name, series]) => [name, Object.fromEntries(series)]));
  }

  /** Adds what was saved. @throws TypeError for what is no counter */
  restore(saved: SavedCounters): void {
    const entries = Object.entries(saved).flatMap(([name, series]) =>
      Object.entries(series).map(([text, value]) => [name, text, value] as const),
    );
    for (const [name, text, value] of entries)
      if (!is_metric_name(name) || !LABELS.test(text) || !Number.isFinite(value) || value < 0)
        throw new TypeError(`${name}${text} ${value} is no counter`);
    for (const [name, text, value] of entries) this.#add(name, text, value);
  }

  /** Returns the text of all counters, and of the gauges. */
  text(gauges: readonly Gauge[]): string {
    const lines: string[] = [];
    for (const [name, series] of [...this.#series].sort(([one], [other]) => (one < other ? -1 : 1))) {
      head(lines, name, 'counter');
      for (const [labels, value] of series) lines.push(`${name}${labels} ${value}`);
    }
    let last: string | undefined;
    for (const { name, labels = {}, value } of gauges) {
      if (name !== last) head(lines, name, 'gauge');
      last = name;
      lines.push(`${name}${label_text(labels)} ${value}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function head(lines: string[], name: string, type: 'counter' | 'gauge'): void {
  const help = METRICS[name];
  if (help !== undefined) lines.push(`# HELP ${name} ${help}`);
  lines.push(`# TYPE ${name} ${type}`);
}
