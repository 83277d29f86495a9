// The objects that routers add to ICMP errors (RFC 4884), in the form of traceroute(8).
import type { IcmpExtension } from '../../packet/index.js';

/** Returns "MPLS:L=24,E=0,S=1,T=1" for a stack of labels, with the labels separated by /, and the objects by ;. */
export function extensions_text(extensions: readonly IcmpExtension[]): string {
  return extensions.map(text_of).join(';');
}

function text_of(extension: IcmpExtension): string {
  if (extension.name === 'mpls') {
    const labels = extension.labels.map(
      ({ label, traffic_class, bottom, ttl }) => `L=${label},E=${traffic_class},S=${bottom ? 1 : 0},T=${ttl}`,
    );
    return `MPLS:${labels.join('/')}`;
  }
  return `${extension.class}/${extension.type}:${words(extension.data).join(',')}`;
}

/** Returns the data as hexadecimal words of four bytes. */
function words(data: Uint8Array): string[] {
  return (
    Buffer.from(data)
      .toString('hex')
      .match(/.{1,8}/g) ?? []
  );
}
