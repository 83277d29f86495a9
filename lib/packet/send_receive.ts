// send_receive: what needs sockets is in exchange/, which dist/ has in a file for itself and loads at the first call.
import {
  type Exchanged,
  exchange_packets,
  type SendReceiveOptions,
  type Sent,
} from './exchange/send_receive.js';

/**
 * send_receive(packets, { timeout, retries, interval, interface, signal }). Sends packets and matches their answers: echo and other
 * replies, ports and addresses swapped, ARP replies, neighbour advertisements, ICMP errors that quote them. Redirects and source quenches
 * are no answers, but notices.
 *
 * `packets` is any iterable. Each packet is an array of layers, or bytes or a result of `parse`, which go out as they are. Its first layer
 * is `ipv4` or `ipv6` (the
 * kernel finds the route) or `ethernet` (which needs an interface). Addresses of this machine may be left out. The call ends when all
 * packets are answered, or after the time-out of the last try.
 *
 * @param packets arrays of layers, bytes, or results of `parse`
 * @param options `timeout`, seconds to wait for answers to a try; `retries`, further tries; `interval`, seconds between two packets
 * @returns `answered`: `[sent, received, seconds]`, `unanswered`, and `notices`
 * @throws (rejects) PermissionError without CAP_NET_RAW, ENODEV for an interface that is not there, other OSErrors of sending; TypeError,
 *   RangeError before anything is sent; the signal's reason
 * @example
 * const probe = [ipv4({ dst: '127.0.0.1' }), icmp.echo({ id: 1, seq: 1 })] as const;
 * const { answered } = await send_receive([probe], { timeout: 1 });
 */
export async function send_receive<const P extends Sent>(
  packets: Iterable<P>,
  options: SendReceiveOptions = {},
): Promise<Exchanged<P>> {
  return exchange_packets(packets, options);
}
