// The route to a target, as the kernel of this machine knows it: whether there is one, the own address, the MTU.
import { source_address } from '../../calls/own_address.js';
import * as promises from '../../promises/index.js';
import * as socket from '../../socket/index.js';
import { Failure, UNUSABLE } from '../terminal/errors.js';
import { enable_error_queue, queued_mtu } from './error_queue.js';
import { address_of, type Target } from './hosts.js';
import { bind_to_interface, type MtuDiscovery, set_mtu_discovery } from './ip_options.js';

/** The UDP port of iputils' ping for looking a route up. Errors show it. */
const ROUTE_PORT = 1025;

/** Returns the address that packets to a target leave from. @throws OSError */
export function source_to(target: Target, interface_name?: string): string {
  return source_address(target.family, address_of(target, ROUTE_PORT), interface_name);
}

/** Checks that a route to the target exists. @throws Failure with the exit code 2 of iputils' ping */
export function check_route(target: Target, interface_name: string | undefined): void {
  try {
    source_to(target, interface_name);
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    throw new Failure(`connect: ${error.strerror}`, UNUSABLE);
  }
}

/**
 * path_mtu(target, size, how, device) -> the MTU that keeps a packet of `size` bytes of data from leaving this machine; undefined if the
 * kernel lets it leave, or does not tell. A datagram of UDP shows it, because every socket of UDP has an error queue.
 *
 * @param how whether the kernel's own MTU of the path counts
 */
export async function path_mtu(
  target: Target,
  size: number,
  how: MtuDiscovery,
  device?: string,
): Promise<number | undefined> {
  const sock = promises.socket(target.family, socket.SOCK_DGRAM) as promises.socket;
  try {
    enable_error_queue(sock);
    set_mtu_discovery(sock, how);
    if (device !== undefined) bind_to_interface(sock, device);
    await sock.connect(address_of(target, ROUTE_PORT));
    await sock.send(Buffer.alloc(size));
    return undefined;
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    return await queued_mtu(sock);
  } finally {
    sock.close();
  }
}
