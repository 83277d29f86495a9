// Passwords at real sshd, by its two ways, with an account of the test's own; and servers that ask in ways of their own.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connector } from '../../dist/ssh/connect.js';
import { ssh2 } from '../../dist/ssh/ssh2.js';
import type { Host } from '../../dist/types.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';
import { account, has_namespaces, USER } from './accounts.js';
import { failure_of, PLENTY } from './failure.js';

const PASSWORD = 'a secret of 3 words';

describe.skipIf(!has_sshd || !has_namespaces)('a password', () => {
  let site: Site;
  let by_password: Sshd;
  let by_question: Sshd;
  let by_both: Sshd;
  beforeAll(async () => {
    site = new Site();
    const wrapper = account(site, 'account', PASSWORD);
    const only = (method: string) => [`AuthenticationMethods ${method}`, 'MaxAuthTries 3'];
    by_password = await site.sshd('by-password', only('password'), wrapper);
    by_question = await site.sshd(
      'by-question',
      ['UsePAM yes', ...only('keyboard-interactive:pam')],
      wrapper,
    );
    by_both = await site.sshd('by-both', only('publickey,password'), wrapper);
  });
  afterAll(() => site.close());

  const with_password = (password: string | undefined, asked: string[] = []) => ({
    credentials: {
      password: async () => {
        asked.push('password');
        return password;
      },
    },
  });
  const of = (server: Sshd, changes: Partial<Host> = {}) => server.host({ user: USER, ...changes });

  it.each([
    ['password', () => by_password],
    ['keyboard-interactive', () => by_question],
    ['a key and a password', () => by_both],
  ])('lets in by %s', async (_method, server) => {
    expect(await failure_of(of(server()), with_password(PASSWORD))).toBeUndefined();
  });

  it.each([
    ['password', () => by_password],
    ['keyboard-interactive', () => by_question],
  ])('is refused by %s, with what was tried', async (method, server) => {
    expect(await failure_of(of(server()), with_password('wrong'))).toEqual({
      failure: 'authentication',
      reason: `${USER} was not let in; tried ${server().host().identity_files[0]}, ${method} (it takes ${method})`,
    });
  });

  it('is not tried if there is none: the reason says that the host takes it', async () => {
    for (const none of [with_password(undefined), with_password(''), {}]) {
      expect(await failure_of(of(by_password, { identity_files: [] }), none)).toEqual({
        failure: 'authentication',
        reason: `${USER} was not let in; there was nothing to try (it takes password)`,
      });
    }
    expect((await failure_of(of(by_both)))?.reason).toMatch(/\/user \(it takes password\)$/);
  });

  it('is asked for once for all hosts, and not if no host wants it', async () => {
    const asked: string[] = [];
    const connector = new Connector(with_password(PASSWORD, asked));
    const key = await site.sshd('by-key');
    (await connector.connect(key.host(), PLENTY)).close();
    expect(asked).toEqual([]);
    const hosts = [by_password, by_question, by_both].map((server) => of(server));
    for (const connection of await Promise.all(hosts.map((host) => connector.connect(host, PLENTY)))) {
      connection.close();
    }
    expect(asked).toEqual(['password']);
  });

  it('is tried in the ways and the order that the host is configured for', async () => {
    const { given, port } = await recorder(['password', 'keyboard-interactive'], ['Password: ']);
    const host = { ...site.host('recorder', port), identity_files: [], known_hosts_files: [known] };
    for (const auth_methods of [undefined, ['password'], ['password', 'keyboard-interactive'], []] as const) {
      await failure_of({ ...host, auth_methods }, with_password('p'));
      given.push('|');
    }
    // Never twice in one attempt.
    expect(given).toEqual(['answer p', '|', 'password p', '|', 'password p', '|', '|']);
  });

  it('is given to the first question without an echo only', async () => {
    const { given, port } = await recorder(['keyboard-interactive'], ['Name: +', 'Password: ', 'Code: ']);
    const host = { ...site.host('questions', port), identity_files: [], known_hosts_files: [known] };
    await failure_of(host, with_password('p'));
    expect(given).toEqual(['answer ', 'answer p', 'answer ']);
  });

  it('lets other ways be tried if keyboard-interactive asks nothing', async () => {
    const { given, port } = await recorder(['keyboard-interactive', 'password'], []);
    const host = { ...site.host('silent', port), identity_files: [], known_hosts_files: [known] };
    await failure_of(host, with_password('p'));
    expect(given).toEqual(['password p']);
  });

  let known: string;
  /** Starts a server that lets nobody in and records the secrets that it is given. A question with + is answered aloud. */
  async function recorder(takes: string[], questions: readonly string[]) {
    const given: string[] = [];
    const key = site.make_key(`recorder-${Math.random()}`);
    const server = new ssh2.Server({ hostKeys: [readFileSync(key)] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => {
        const refuse = () => context.reject(takes as never);
        if (context.method === 'password') given.push(`password ${context.password}`);
        if (context.method !== 'keyboard-interactive' || questions.length === 0) return refuse();
        const prompts = questions.map((text) => ({ prompt: text, echo: text.endsWith('+') }));
        context.prompt(prompts, (answers) => {
          given.push(...answers.map((answer) => `answer ${answer}`));
          refuse();
        });
      });
    });
    const port = await site.listen((socket) => server.injectSocket(socket));
    known = site.write('known-recorder', `[127.0.0.1]:${port} ${site.public_key(key)}\n`);
    return { given, port };
  }
});
