// Addresses of this machine: of an interface, and towards a destination.
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { hardware_text, link_layer, source_address } from '../../../lib/calls/own_address.js';
import { AF_INET, AF_INET6, ARPHRD_LOOPBACK } from '../../../lib/socket/index.js';

describe('link_layer', () => {
  test('has the address that the system shows', (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
    expect(link_layer('lo').type).toBe(ARPHRD_LOOPBACK);
    for (const [name, rows = []] of Object.entries(networkInterfaces())) {
      for (const { mac } of rows) expect(hardware_text(link_layer(name).address), name).toBe(mac);
    }
    expect(() => link_layer('no-such')).toThrow(/ENODEV/);
  });
});

describe('source_address', () => {
  test('is that of the route', () => {
    expect(source_address(AF_INET, ['127.0.0.1', 9])).toBe('127.0.0.1');
    expect(source_address(AF_INET, ['127.0.0.1', 9], 'lo')).toBe('127.0.0.1');
    expect(source_address(AF_INET, ['127.255.255.255', 9])).toMatch(/^127\./);
    if (networkInterfaces().lo?.some(({ family }) => family === 'IPv6'))
      expect(source_address(AF_INET6, ['::1', 9])).toBe('::1');
  });

  test('throws what connect(2) says', () => {
    expect(() => source_address(AF_INET, ['127.0.0.1', 9], 'no-such')).toThrow(/ENODEV/);
  });
});
