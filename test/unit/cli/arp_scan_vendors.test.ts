// The vendors of arp-scan: the lists that it reads, and the longest prefix.
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { load_vendors } from '../../../lib/cli/arp_scan/vendors.js';

const path = (name: string) => `/tmp/bsd-sockets-vendors-${process.pid}-${name}`;
const written = new Set<string>();
function file(name: string, text: string): string {
  writeFileSync(path(name), text);
  written.add(path(name));
  return path(name);
}
afterAll(() => {
  for (const each of written) unlinkSync(each);
});

const NONE = () => file('none', '');

test('the package oui-data', () => {
  const vendors = load_vendors(undefined, NONE());
  expect(vendors.count).toBeGreaterThan(30_000);
  expect(vendors.name_of('00:00:0c:11:22:33')).toBe('Cisco Systems, Inc');
});

test("a list of arp-scan's form: the longest prefix, either case, separators", () => {
  const list = file(
    'arp-scan',
    '# a comment\n\n00000c\tShort\n00000C1\tSeven digits\n00:00:0C:12\tEight\n0000.0c12.3456\tOne address\nnot a line\n',
  );
  const vendors = load_vendors(list, file('own', '02:BF\tBalanced\n'));
  expect(vendors.count).toBe(5);
  for (const [mac, name] of [
    ['00:00:0c:00:00:00', 'Short'],
    ['00:00:0c:1f:00:00', 'Seven digits'],
    ['00:00:0c:12:00:00', 'Eight'],
    ['00:00:0c:12:34:56', 'One address'],
    ['02:bf:00:00:00:00', 'Balanced'],
    ['02:00:00:00:00:00', '(Unknown: locally administered)'],
    ['04:00:00:00:00:00', '(Unknown)'],
  ] as const)
    expect(vendors.name_of(mac), mac).toBe(name);
});

test("the IEEE's own form", () => {
  const list = file(
    'ieee',
    'OUI/MA-L                                                    Organization                                 \n' +
      '28-6F-B9   (hex)\t\tNokia Shanghai Bell Co., Ltd.\n286FB9     (base 16)\t\tNokia Shanghai Bell Co., Ltd.\n\t\t\t\tNo.388 Ning Qiao Road\n',
  );
  const vendors = load_vendors(list, NONE());
  expect(vendors.name_of('28:6f:b9:00:00:01')).toBe('Nokia Shanghai Bell Co., Ltd.');
  expect(vendors.count).toBe(1);
});

test('control characters of a list are printed escaped', () => {
  const vendors = load_vendors(file('hostile', '00000c\t\x1b[31mred\n'), NONE());
  expect(vendors.name_of('00:00:0c:00:00:00')).toBe('\\u001b[31mred');
});

test('a file that is not there', () => {
  expect(() => load_vendors('/no/such/file', undefined)).toThrow(/no such file/);
  expect(() => load_vendors(NONE(), '/no/such/file')).toThrow(/no such file/);
});

test("arp-scan's list has the same names as oui-data for what both have", (ctx) => {
  const list = '/usr/share/arp-scan/ieee-oui.txt';
  if (!existsSync(list)) ctx.skip('needs arp-scan');
  const [mine, theirs] = [load_vendors(undefined, NONE()), load_vendors(list, NONE())];
  for (const mac of ['00:00:0c:00:00:00', '00:1b:21:00:00:00', 'b8:27:eb:00:00:00'])
    expect(mine.name_of(mac).toLowerCase()).toBe(theirs.name_of(mac).toLowerCase());
});
