// The statistics of servers in Prometheus' text format, version 0.0.4: what its scrapes read over HTTP.
import { inspect } from 'node:util';
import { elements, is_iterable, shown } from '../../util/validate.js';
import type { ServerStatistics } from './statistics.js';

/** A server as prometheus_text() takes it. */
export interface StatisticsServer {
  /** The address that it listens on. */
  readonly server_address: unknown;
  /**
   * statistics() -> what the server has done so far. The backlog is the kernel's: tcp(7).
   *
   * @returns the counts
   * @example
   * console.log(server.statistics().accepted); // 0
   */
  statistics(): ServerStatistics;
}

/** Labels of a server's figures. */
export type Labels = Readonly<Record<string, string | number>>;
/** A value with the labels that it has beside those of the server; null: not known. */
type Sample = readonly [
  value: number | null,
  labels?: Labels | undefined,
  suffix?: '_sum' | '_count' | undefined,
];

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly help: string;
  samples(statistics: ServerStatistics): readonly Sample[];
}

const PREFIX = 'bsd_sockets_server_';
const METRICS: readonly Metric[] = [
  {
    name: 'accepted_total',
    type: 'counter',
    help: 'Connections or datagrams that were taken.',
    samples: ({ accepted }) => [[accepted]],
  },
  {
    name: 'active',
    type: 'gauge',
    help: 'Requests that are under way.',
    samples: ({ active }) => [[active]],
  },
  {
    name: 'request_seconds',
    type: 'summary',
    help: 'Handled requests, and the seconds that their handlers took.',
    samples: ({ request_seconds, handled }) => [
      [request_seconds, {}, '_sum'],
      [handled, {}, '_count'],
    ],
  },
  {
    name: 'errors_total',
    type: 'counter',
    help: 'Requests whose handler has failed or was ended.',
    samples: ({ errors }) => [[errors]],
  },
  {
    name: 'timed_out_total',
    type: 'counter',
    help: 'Requests that a time-out has ended, by option.',
    samples: ({ timed_out }) => Object.entries(timed_out).map(([option, n]) => [n, { option }]),
  },
  {
    name: 'refused_total',
    type: 'counter',
    help: 'Requests that were refused, by the option or hook that did.',
    samples: ({ refused }) => Object.entries(refused).map(([reason, n]) => [n, { reason }]),
  },
  {
    name: 'workers',
    type: 'gauge',
    help: 'Worker threads or child processes that are ready.',
    samples: ({ workers }) => [[workers]],
  },
  {
    name: 'backlog',
    type: 'gauge',
    help: 'Connections that wait in the kernel to be taken.',
    samples: ({ backlog }) => [[backlog]],
  },
  {
    name: 'backlog_limit',
    type: 'gauge',
    help: 'The largest number of connections that may wait in the kernel.',
    samples: ({ backlog_limit }) => [[backlog_limit]],
  },
];

/** Labels that metrics here have themselves. */
const OWN_LABELS = ['option', 'reason'];
const MOST_SERVERS = 100_000;

/**
 * prometheus_text(servers, labels) -> the statistics of servers as Prometheus reads them, to be sent with the content type
 * `text/plain; version=0.0.4`. See
 * Prometheus' exposition formats.
 *
 * @param servers a server, or several: each metric then has a line of each
 * @param labels labels of all lines, or a function that returns those of a server; by default `server`, the name of its class, and
 *   `address`. Two servers must not have the same
 * @returns the text
 * @throws TypeError if one is no server, or a label is no string or number; RangeError for a name of a label that Prometheus does not
 *   take, and for two servers with the same labels
 * @example
 * console.log(prometheus_text(server, { service: 'echo' }).includes('accepted_total{service="echo"} 0')); // true
 */
export function prometheus_text<Server extends StatisticsServer>(
  servers: Server | Iterable<Server>,
  labels: Labels | ((server: Server) => Labels) = labels_of,
): string {
  const all: readonly Server[] =
    typeof servers === 'object' && servers !== null && is_iterable(servers)
      ? elements<Server>(servers, 'servers', MOST_SERVERS)
      : [servers as Server];
  const rows = all.map((server) => {
    if (typeof server !== 'object' || server === null || typeof server.statistics !== 'function')
      throw new TypeError(`servers must be a server, or an iterable of servers, not ${shown(server)}`);
    const own = typeof labels === 'function' ? labels(server) : labels;
    return { labels: check_labels(own), statistics: server.statistics() };
  });
  const distinct = new Set(rows.map((row) => text_of(row.labels)));
  if (distinct.size < rows.length)
    throw new RangeError('labels must differ from server to server: give a function (server) => labels');
  return METRICS.map((metric) => {
    const lines = rows.flatMap(({ labels: own, statistics }) =>
      metric.samples(statistics).flatMap(([value, more = {}, suffix = '']) => {
        const name = `${PREFIX}${metric.name}${suffix}`;
        return value === null ? [] : [`${name}${text_of({ ...own, ...more })} ${value}\n`];
      }),
    );
    const head = `# HELP ${PREFIX}${metric.name} ${metric.help}\n# TYPE ${PREFIX}${metric.name} ${metric.type}\n`;
    return lines.length === 0 ? '' : head + lines.join('');
  }).join('');
}

/** The labels of a server unless the caller gives others. */
function labels_of(server: StatisticsServer): Labels {
  const { server_address } = server;
  const [host, port] = Array.isArray(server_address) ? server_address : [];
  const is_ip = typeof host === 'string' && typeof port === 'number';
  const at = host?.includes?.(':') ? `[${host}]` : host;
  const address = typeof server_address === 'string' ? server_address : inspect(server_address);
  return { server: server.constructor.name, address: is_ip ? `${at}:${port}` : address };
}

function check_labels(labels: Labels): Labels {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    throw new TypeError(`labels must be an object of strings, not ${shown(labels)}`);
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__') || OWN_LABELS.includes(name)) {
      throw new RangeError(
        `labels: a name is letters, digits and _ (and none of ${OWN_LABELS.join(', ')}), not ${shown(name)}`,
      );
    }
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new TypeError(`labels.${name} must be a string or a number, not ${shown(value)}`);
  }
  return labels;
}

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Returns labels in braces; nothing if there are none. */
function text_of(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${String(value).replaceAll(/[\\"\n]/g, (one) => ESCAPED[one] ?? one)}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
