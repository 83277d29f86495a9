// TEMPORARY stand-in: replaced by the resolver branch (take theirs on conflict).
export type AddressInfoRow = [number, number, number, string, [string, number]];
export function resolve_host(host: string, _family: number): string {
  return host === '' ? '0.0.0.0' : host === 'localhost' ? '127.0.0.1' : host;
}
export function getaddrinfo(host: string, port: number, family: number, type: number): AddressInfoRow[] {
  return [[2, type, 6, '', [resolve_host(host, family), port]]];
}
