// bsd-sockets traceroute: the routers on the path to a host, with the options and the lines of traceroute(8). The run is
// traceroute/trace.ts; the probes are in traceroute/probe.ts.
import { getprotobyname, OSError } from '../../socket/index.js';
import { find_host } from '../network/hosts.js';
import { check_interface, command, until_interrupted } from '../terminal/command.js';
import { DONE, INTERRUPTED, UsageError } from '../terminal/errors.js';
import { read_number } from '../terminal/options.js';
import { print } from '../terminal/output.js';
import { options, SECONDS_MAX, type TraceOptions } from '../traceroute/options.js';
import { METHODS, type Method } from '../traceroute/probe.js';
import { Registry } from '../traceroute/registry.js';
import { Trace } from '../traceroute/trace.js';
import type { Waits } from '../traceroute/waits.js';

/** The most bytes of a packet, as of traceroute(8). */
const SIZE_MAX = 65_000;
/** A -z above this number is in milliseconds. */
const SENDWAIT_SECONDS_MAX = 10;
const FACTOR_MAX = 1000;

/** Returns the method that the options name. @throws UsageError if they name several */
function method_of({ icmp, tcp, udp, udplite, dccp, protocol, module }: TraceOptions): Method {
  const named = [
    ...(icmp ? ['icmp'] : []),
    ...(tcp ? ['tcp'] : []),
    ...(udp || udplite ? [udplite ? 'udplite' : 'udp'] : []),
    ...(dccp ? ['dccp'] : []),
    ...(protocol !== undefined ? ['raw'] : []),
    ...(module !== undefined ? [module] : []),
  ];
  const [name = 'default', ...others] = new Set(named);
  if (others.length > 0) throw new UsageError('-I, -T, -U, -D, -P and -M exclude each other');
  return METHODS[name] as Method;
}

/** Returns the first number of the probes. @throws UsageError */
function port_of({ protocol, port }: TraceOptions, method: Method): number {
  if (protocol === undefined) return port ?? method.port;
  if (/^\d+$/.test(protocol)) return read_number('option -P', protocol, [0, 255]);
  try {
    return getprotobyname(protocol);
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    throw new UsageError(
      `option -P takes a number from 0 to 255 or a name such as udp, not ${JSON.stringify(protocol)}`,
    );
  }
}

/** Reads MAX,HERE,NEAR, of which the last ones may be left out. @throws UsageError */
function waits_of(argument: string): Waits {
  const [max = '', here = '3', near = '10', more] = argument.split(',');
  if (more !== undefined)
    throw new UsageError(`option -w takes MAX,HERE,NEAR, not ${JSON.stringify(argument)}`);
  return {
    max: read_number('option -w', max, [0.001, SECONDS_MAX], false),
    here: read_number('HERE of option -w', here, [0, FACTOR_MAX], false),
    near: read_number('NEAR of option -w', near, [0, FACTOR_MAX], false),
  };
}

export const { help, main } = command({
  usage: ['[options] HOST [PACKETLEN]'],
  operands: [1, 2],
  options,
  notes: `PACKETLEN is the length of the packets with their headers (60; with IPv6, 80). UDP and TCP need no privilege: the
kernel tells who answered (IP_RECVERR). ICMP needs what ping needs, -P a raw socket. -A asks whois.radb.net for each
address, or the host and service that the environment variables RA_SERVER and RA_SERVICE name.

Exit codes: 0 the hops were printed, 1 it failed, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [host = '', length]) {
    const { first, max_hops, sendwait, tos, fwmark, source, sport, dont_fragment, mtu, bypass } = values;
    const method = method_of(values);
    const port = port_of(values, method);
    const waits = waits_of(values.wait);
    if (first > max_hops) throw new UsageError(`the first hop, ${first}, is beyond the last, ${max_hops}`);
    const size = length === undefined ? undefined : read_number('the packet length', length, [0, SIZE_MAX]);
    if (values.interface !== undefined) check_interface(values.interface);
    const target = await find_host(host, values, values.interface);
    // The signal ends the probes that are under way when the last hop is printed.
    const end = new AbortController();
    const interrupted = until_interrupted();
    const signal = AbortSignal.any([interrupted, end.signal]);
    const probe_options = {
      target,
      source,
      source_port: sport ?? 0,
      device: values.interface,
      traffic_class: tos,
      mark: fwmark,
      dont_fragment: dont_fragment || mtu,
      dont_route: bypass,
    };
    const seconds = sendwait > SENDWAIT_SECONDS_MAX ? sendwait / 1000 : sendwait;
    try {
      const registry = values.as_path_lookups ? await Registry.find(signal) : undefined;
      const setup = { target, method, port, size, waits, sendwait: seconds, probe_options, registry };
      await new Trace(setup, values, signal).run();
      return DONE;
    } catch (error) {
      if (!interrupted.aborted) throw error;
      print();
      return INTERRUPTED;
    } finally {
      end.abort();
    }
  },
});
