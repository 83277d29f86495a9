// bsd-sockets nc: connects or listens by TCP, UDP and UNIX sockets, and joins the connection with standard input and output.
// Options and messages are those of OpenBSD's nc. Connecting and listening are in netcat/, the transfer of data is in
// netcat/relay.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connector } from '../netcat/connect.js';
import { serve } from '../netcat/listen.js';
import { check, type Options, options } from '../netcat/options.js';
import { check_stdout, pass_descriptor } from '../netcat/pass.js';
import { parse_ports } from '../netcat/ports.js';
import { Input, type RelayOptions, relay } from '../netcat/relay.js';
import { protocol_of, type Sock } from '../netcat/sockets.js';
import { command, until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED, line_of } from '../terminal/errors.js';
import { print_stderr } from '../terminal/output.js';

/** Uses a connection, and closes it. @throws OSError */
async function use(sock: Sock, options: Options, relay_options: RelayOptions): Promise<void> {
  try {
    if (options.pass) await pass_descriptor(sock, relay_options.interrupted);
    else if (!options.scan) await relay(sock, relay_options);
  } finally {
    sock.close();
  }
}

/** Connects to one port after the other. @returns the exit code: 0 if one accepted */
async function connect_to_each(
  ports: readonly number[],
  connector: Connector,
  options: Options,
  relay_options: RelayOptions,
): Promise<number> {
  let code = FAILED;
  for (const [i, port] of ports.entries()) {
    if (i > 0 && options.interval)
      await sleep(options.interval * 1000, undefined, { signal: relay_options.interrupted });
    const sock = await connector.connect(port);
    if (sock === null) continue;
    try {
      await use(sock, options, relay_options);
      code = DONE;
    } catch (error) {
      // The next port gets what is left of the input.
      if (relay_options.interrupted.aborted || i === ports.length - 1) throw error;
      print_stderr(`nc: ${line_of(error) ?? error}`);
    }
    if (options.pass) break;
  }
  return code;
}

/** Runs the command. @returns the exit code */
async function connect_or_listen(
  input: Input,
  options: Options,
  operands: readonly string[],
): Promise<number> {
  const interrupted = until_interrupted();
  const has_quit = options.quit !== undefined && options.quit >= 0;
  const relay_options: RelayOptions = {
    input: options.no_input ? undefined : input,
    interrupted,
    idle: options.wait,
    half_close: options.half_close || has_quit,
    // A person at a terminal sees that the peer has ended, and has nothing left to send.
    ends_with_peer: !options.half_close && (options.listen || process.stdin.isTTY === true),
    quit_after: has_quit ? options.quit : undefined,
    crlf: options.crlf,
    telnet: options.telnet,
    interval: options.interval,
    receive_limit: options.receive_limit,
  };
  try {
    if (options.listen) {
      await serve(operands, options, relay_options);
      return interrupted.aborted ? INTERRUPTED : DONE;
    }
    const [host = '', ...words] = operands;
    const { random } = options;
    const ports = options.unix ? [0] : await parse_ports(words, { protocol: protocol_of(options), random });
    const connector = new Connector(host, options, interrupted);
    const code = await connect_to_each(ports, connector, options, relay_options);
    return interrupted.aborted ? INTERRUPTED : code;
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return INTERRUPTED;
  }
}

export const { help, main } = command({
  usage: [
    '[options] HOST PORT…',
    '-l [options] [HOST] PORT',
    '-z [options] HOST PORT…',
    '-U [-l] [options] PATH',
  ],
  operands: [0, Number.POSITIVE_INFINITY],
  options,
  notes: `PORT is a number, a name (http) or a range (20-25). Each gets a connection, one after the other.

nc ends when the peer has ended and the input has been sent to its end; -l and a terminal do not wait for more input.
The end of the input alone does not end it, unless -q or -N say so.

Exit codes: 0, 1 not connected or cut off, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, operands) {
    check(values, operands);
    if (values.pass) check_stdout();
    const input = new Input();
    try {
      return await connect_or_listen(input, values, operands);
    } finally {
      input.close();
    }
  },
});
