// @ts-check
/// <reference lib="dom" />
// Every text goes through lit-html, which never takes it for markup: ids and messages come from anybody.
import { repeat } from '../../node_modules/lit-html/directives/repeat.js';
import { html, nothing, render } from '../../node_modules/lit-html/lit-html.js';

/** @import { CallView, FaultName, FaultView, MessageView, QueueView, RefusalView, State } from './state.ts' */
/** @import { Fault } from '../http/fault.ts' */

const INTERFACE = '/_sandbox/';

/** @type {Record<FaultName, { title: string, note?: string }>} */
const FAULTS = {
  'rongcloud-primary': { title: 'RongCloud, primary' },
  'rongcloud-backup': { title: 'RongCloud, backup' },
  'secrets-manager': {
    title: 'Secrets Manager',
    note: 'A function that holds the secret goes on with it for up to 24 hours. Fresh functions read it anew.',
  },
  issuer: {
    title: 'Token issuer',
    note: 'The HTTP door goes on with the keys that it holds for up to 24 hours. Fresh functions read them anew.',
  },
};

/** @type {Record<Fault['kind'], string>} */
const KINDS = {
  status: 'answers with a status',
  close: 'closes the connection',
  hang: 'never answers',
  delay: 'answers late',
  cut: 'cuts the answer off',
};

/** @type {Record<string, string>} */
const DOORS = { http: 'HTTP door', invoke: 'Invoke door' };

/** Checks that are about more than the form of the call, and shown one by one. */
const MAIN_RULES = ['App-Key', 'Signature', 'Nonce', 'Timestamp', 'Rate', 'Content-Type'];

/** @type {State | undefined} */
let state;
/** The newest join that was asked for, so that an older answer does not replace a newer one. */
let joinNumber = 0;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} text */
const say = (text) => {
  element('status').textContent = text;
};

// --- What the sandbox tells

function connect() {
  const source = new EventSource(`${INTERFACE}stream`);
  source.onopen = () => say('Connected.');
  source.onmessage = ({ data }) => {
    const before = state;
    state = Object.assign({ ...state }, JSON.parse(data));
    show();
    if (!before) prefill(state?.service.sample);
    const letters = state ? total(state.deadLetters) : 0;
    if (before && letters > total(before.deadLetters)) say('A message is in the dead letters.');
  };
  source.onerror = () => {
    say('The connection is lost. Does npm start still run?');
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  return source;
}

/** A browser keeps few connections to a server, so a page that nobody looks at gives its own up. */
let stream = connect();
document.addEventListener('visibilitychange', () => {
  stream.close();
  if (!document.hidden) stream = connect();
});

function show() {
  if (!state) return;
  const { service, groups, faults, unknownUsers, queue, deadLetters, events } = state;
  const { realRongCloud } = service;
  document.body.classList.toggle('is-real', realRongCloud !== undefined);
  const real = element('real');
  real.hidden = realRongCloud === undefined;
  render(
    `This joins users of your app at the real RongCloud (${realRongCloud}). Its calls and groups can not be shown.`,
    real,
  );
  render(html`HTTP door <code>${service.httpUrl}</code>`, element('service'));
  render(showRequests(state), element('calls'));
  render(showFailover(service), element('failover'));
  render(showGroups(groups), element('groups'));
  render(faults.map(showFault), element('faults'));
  render(showUnknownUsers(unknownUsers), element('unknown-users'));
  render(showQueue(queue, 'The queue is empty.'), element('queue'));
  render(showQueue(deadLetters, 'There is no dead letter.', true), element('letters'));
  render(showEvents(events), element('events'));
}

/** @param {QueueView} queue */
const total = ({ ready, hidden, delayed }) => ready + hidden + delayed;

// --- Requests and their calls

/** @param {State} state */
function showRequests({ calls, refusals, service }) {
  /** @type {Map<string, CallView[]>} */
  const requests = new Map();
  for (const call of calls) {
    const { requestId, path, groupId } = call;
    const key = JSON.stringify([requestId, path, groupId, ...(requestId === '' ? [usersOf(call)] : [])]);
    requests.set(key, [call, ...(requests.get(key) ?? [])]);
  }
  const rows = [
    ...[...requests].map(([key, sendings]) => ({
      key,
      at: sendings.at(-1)?.at ?? 0,
      show: () => showRequest(sendings),
    })),
    ...refusals.map((refusal) => ({
      key: `${refusal.requestId} ${refusal.at}`,
      at: refusal.at,
      show: () => showRefusal(refusal),
    })),
  ].sort((a, b) => b.at - a.at);
  if (rows.length === 0) return html`<p class="muted">No request yet. Join somebody.</p>`;
  return html`
    ${service.lenient ? html`<p class="warning">Lenient: any nonce and timestamp is taken.</p>` : nothing}
    <ul class="rows scroll" tabindex="0" aria-labelledby="calls-title">
      ${repeat(
        rows,
        ({ key }) => key,
        ({ show }) => show(),
      )}
    </ul>
    <p class="note">A call of the queue has an id of its own: it may carry many messages.</p>`;
}

/** @param {RefusalView} refusal */
function showRefusal({ at, door, requestId, groupId, status, code, cause }) {
  return html`<li class="request">
    <div class="line">
      ${showTime(at)}
      <span>${groupId === undefined ? nothing : html`<b class="id">${groupId}</b>, `}${DOORS[door] ?? door}</span>
      ${showRequestId(requestId)}
    </div>
    <p class="attempt bad-edge">Not sent: <span class="bad">${status} ${code}</span>${cause === undefined ? nothing : html`: ${cause}`}</p>
  </li>`;
}

/** @param {string} requestId */
const showRequestId = (requestId) =>
  html`<span class="muted">request <span class="id">${requestId || 'without an id'}</span></span>`;

/** Tells the calls of a request apart. @param {CallView} call */
const usersOf = ({ userCount, userIds }) => JSON.stringify([userCount, userIds[0]]);

/** @param {CallView[]} sendings All of one request, the oldest first. */
function showRequest(sendings) {
  const calls = [...Map.groupBy(sendings, usersOf).values()];
  const [attempts = [], ...more] = calls;
  const [{ at, groupId, userCount, userIds, requestId, path }] = /** @type {[CallView]} */ (attempts);
  return html`<li class="request">
    <div class="line">
      ${showTime(at)}
      <span>${path === '/group/join.json' ? html`<b class="id">${groupId}</b> ← ${showUsers(userIds, userCount)}` : html`<code>${path}</code>`}</span>
      ${showRequestId(requestId)}
    </div>
    <ol>${attempts.map(showAttempt)}</ol>
    ${more.length > 0 ? showMoreCalls(more) : nothing}
  </li>`;
}

/** @param {CallView[][]} calls The attempts of each. */
function showMoreCalls(calls) {
  const good = calls.filter((attempts) => attempts.at(-1)?.code === 200).length;
  return html`<details>
    <summary>${calls.length} more ${calls.length === 1 ? 'call' : 'calls'} of this request, ${good} answered with 200</summary>
    ${calls.map((attempts) => {
      const [{ userCount, userIds }] = /** @type {[CallView]} */ (attempts);
      return html`<p>${userCount} ${userCount === 1 ? 'user' : 'users'}: ${showUsers(userIds, userCount)}</p>
        <ol>${attempts.map(showAttempt)}</ol>`;
    })}
  </details>`;
}

/** @param {CallView} call */
function showAttempt({ attempt, domain, checks, code, ...call }) {
  const rest = checks.filter(({ rule }) => !MAIN_RULES.includes(rule));
  const shown = checks.filter(({ rule, ok }) => MAIN_RULES.includes(rule) || !ok);
  const kept = rest.filter(({ ok }) => ok);
  return html`<li class="attempt ${code === 200 && !call.fault ? 'good-edge' : 'bad-edge'}">
    <p>Attempt ${attempt}, <b>${domain}</b>: ${showAnswer({ ...call, code })}</p>
    <ul class="checks">
      ${shown.map(({ rule, ok, detail }) => showCheck(ok, rule, detail))}
      ${kept.length > 0 ? showKept(kept.map(({ rule }) => rule)) : nothing}
    </ul>
  </li>`;
}

/** @param {string[]} rules */
function showKept(rules) {
  return html`<li class="good"><details>
    <summary><span aria-hidden="true">✓</span><span class="hidden-text">kept: </span> ${rules.length} more</summary>
    ${rules.join(', ')}
  </details></li>`;
}

/** @param {boolean} ok @param {string} rule @param {string} detail */
function showCheck(ok, rule, detail) {
  return html`<li class=${ok ? 'good' : 'bad'} title=${ok && detail !== '' ? detail : nothing}>
    <span aria-hidden="true">${ok ? '✓' : '✗'}</span><span class="hidden-text">${ok ? 'kept: ' : 'broken: '}</span>
    ${ok || detail === '' ? rule : `${rule}. ${detail}`}
  </li>`;
}

/** @param {Pick<CallView, 'fault' | 'status' | 'code' | 'errorMessage'>} call */
function showAnswer({ fault, status, code, errorMessage }) {
  const made = fault ? html`<span class="bad">${describe(fault)}</span>` : nothing;
  if (status === undefined) {
    const secretly = code === 0 ? nothing : html` <span class="muted">(carried out: ${code})</span>`;
    return fault ? html`${made}${secretly}` : html`<span class="muted">no answer yet</span>`;
  }
  const good = code === 200;
  return html`<span class=${good ? 'good' : 'bad'}>HTTP ${status}, code ${code}</span>${errorMessage ? html`: ${errorMessage}` : nothing}
    ${fault ? html`(${made})` : nothing}`;
}

/** @param {Fault} how */
function describe(how) {
  if (how.kind === 'status') return `status ${how.status}`;
  if (how.kind === 'delay') return `${how.ms} ms late`;
  return KINDS[how.kind];
}

/** @param {State['service']} service */
function showFailover({ lastDomain }) {
  const [domain, other] = lastDomain === 'backup' ? ['backup', 'primary'] : ['primary', 'backup'];
  return html`${lastDomain ? 'The last call used' : 'Fresh functions use'} the <b>${domain}</b> domain. Under <b>Faults</b>, press
    <b>Break</b> at RongCloud, ${domain}. Join again. The answer is still 200: the request shows two attempts, the second at the
    ${other} domain. Then press <b>Mend</b>.`;
}

// --- Groups, queues, events

/** @param {State['groups']} groups */
function showGroups({ count, newest }) {
  if (count === 0) return html`<p class="muted">No group yet.</p>`;
  return html`
    <ul class="rows scroll" tabindex="0" aria-labelledby="groups-title">
      ${repeat(
        newest,
        ({ groupId }) => groupId,
        (group) => html`<li>
        <b class="id">${group.groupId}</b>${group.name === undefined ? nothing : html`, named “${group.name}”`}
        <span class="badge">${group.count} ${group.count === 1 ? 'member' : 'members'}</span>
        ${chips(group.newest, group.count)}
      </li>`,
      )}
    </ul>
    ${showMore(count, newest.length, 'groups')}`;
}

/** @param {string[]} texts @param {number} count */
function chips(texts, count) {
  return html`<ul class="chips">
    ${texts.map((text) => html`<li class="id">${text}</li>`)}
    ${count > texts.length ? html`<li class="muted">and ${count - texts.length} more</li>` : nothing}
  </ul>`;
}

/** @param {QueueView} queue @param {string} whenEmpty @param {boolean} [isDead] */
function showQueue({ newest, ready, hidden, delayed }, whenEmpty, isDead = false) {
  const count = ready + hidden + delayed;
  if (count === 0) return html`<p class="muted">${whenEmpty}</p>`;
  return html`
    <p class="muted">${ready} visible, ${hidden} in flight, ${delayed} delayed</p>
    <ul class="rows scroll" tabindex="0" aria-labelledby=${isDead ? 'letters-title' : 'queue-title'}>
      ${repeat(
        newest,
        ({ messageId }) => messageId,
        (message) => showMessage(message, isDead),
      )}
    </ul>
    ${showMore(count, newest.length, 'messages')}`;
}

/** @param {MessageView} message @param {boolean} isDead */
function showMessage({ messageId, sentAt, receiveCount, state: where, until, body, attributes, sender }, isDead) {
  const states = { ready: 'visible', hidden: 'in flight', delayed: 'delayed' };
  const facts = Object.entries({ ...attributes, ...(sender !== undefined && { MessageGroupId: sender }) });
  return html`<li>
    <div class="line">
      ${showTime(sentAt)} <span>${states[where]}${until === undefined ? nothing : html` until ${showTime(until)}`}</span>
      <span class="muted">received ${receiveCount} ${receiveCount === 1 ? 'time' : 'times'}</span>
    </div>
    <code>${body}</code>
    ${facts.length > 0 ? html`<ul class="chips">${facts.map(([name, value]) => html`<li><span class="muted">${name}</span> <span class="id">${value}</span></li>`)}</ul>` : nothing}
    ${
      isDead
        ? html`<p class="line note"><button type="button" aria-describedby="body-${messageId}" @click=${() => putBack(messageId)}>Put back</button>
      <span id="body-${messageId}" class="hidden-text">${body}</span></p>`
        : nothing
    }
  </li>`;
}

/** @param {State['events']} events */
function showEvents(events) {
  if (events.length === 0)
    return html`<p class="muted">No event yet. Each batch of the queue makes one for a group.</p>`;
  return html`<ul class="rows scroll" tabindex="0" aria-labelledby="events-title">
    ${repeat(
      events,
      ({ id }) => id,
      ({ time, type, detail }) => html`<li>
      <div class="line">${showTime(Date.parse(time))} <span>${type}</span></div>
      <code>${detail}</code>
    </li>`,
    )}
  </ul>`;
}

/** @param {number} count @param {number} shown @param {string} what */
const showMore = (count, shown, what) =>
  count > shown ? html`<p class="note">The newest ${shown} of ${count} ${what}.</p>` : nothing;

/** @param {string[]} userIds @param {number} count */
function showUsers(userIds, count) {
  const more = count > userIds.length ? html` and ${count - userIds.length} more` : nothing;
  return html`<span class="id">${userIds.join(', ')}</span>${more}`;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
/** @param {number} ms */
const showTime = (ms) => html`<time class="muted" datetime=${new Date(ms).toISOString()}>${clock.format(ms)}</time>`;

// --- Faults

/** @param {FaultView} fault */
function showFault({ name, how, asked, met }) {
  const { title, note } = FAULTS[name];
  const left = how?.calls === undefined ? '' : `, for ${how.calls} more ${how.calls === 1 ? 'call' : 'calls'}`;
  return html`<form class="fault" aria-labelledby="fault-${name}" @submit=${(/** @type {SubmitEvent} */ event) => breakIt(event, name)}>
    <div class="line spread">
      <h3 id="fault-${name}">${title}</h3>
      ${how ? html`<span class="badge bad">${describe(how)}${left}</span>` : html`<span class="badge good">works</span>`}
    </div>
    <div class="line">
      <select name="kind" aria-label="What ${title} does" @change=${showFields}>
        ${Object.entries(KINDS).map(([kind, text]) => html`<option value=${kind}>${text}</option>`)}
      </select>
      <input data-kind="status" name="status" type="number" min="200" max="599" value="500" required aria-label="Status">
      <input data-kind="delay" name="ms" type="number" min="0" max="60000" value="3000" required aria-label="Milliseconds" hidden>
      <button type="submit">Break</button>
      <button type="button" @click=${() => mend(name)}>Mend</button>
    </div>
    <details>
      <summary>Options <span class="hidden-text">of ${title}</span></summary>
      <label data-kind="status">Body of the answer (empty: HTML) <input name="body" spellcheck="false"></label>
      <div class="line"><label>For so many calls (empty: all) <input name="calls" type="number" min="1"></label></div>
      ${name.startsWith('rongcloud') ? html`<div><label><input name="carryOut" type="checkbox"> Join the users all the same: only the answer is lost</label></div>` : nothing}
      <p class="note">${asked} ${asked === 1 ? 'call' : 'calls'} so far, ${met} met with a fault. ${note ?? nothing}</p>
    </details>
  </form>`;
}

/** @param {Event} event */
function showFields({ target }) {
  const select = /** @type {HTMLSelectElement} */ (target);
  for (const part of select.form?.querySelectorAll('[data-kind]') ?? []) {
    if (part instanceof HTMLElement) part.hidden = part.dataset.kind !== select.value;
  }
}

/** @param {SubmitEvent} event @param {FaultName} name */
async function breakIt(event, name) {
  const form = fields(event);
  const kind = form.get('kind');
  const how = {
    kind,
    ...(kind === 'status' && { status: Number(form.get('status')) }),
    ...(kind === 'status' && form.get('body') !== '' && { body: form.get('body') }),
    ...(kind === 'delay' && { ms: Number(form.get('ms')) }),
    ...(form.get('calls') !== '' && { calls: Number(form.get('calls')) }),
    ...(form.has('carryOut') && { carryOut: true }),
  };
  await change('PUT', `faults/${name}`, how, `${FAULTS[name].title} is broken.`);
}

/** @param {FaultName} name */
const mend = (name) => change('DELETE', `faults/${name}`, undefined, `${FAULTS[name].title} works.`);

element('renew').addEventListener('click', async () => {
  say('Starting fresh functions…');
  await change('POST', 'fresh-functions', {}, 'The functions are fresh.');
});

// --- Unknown users

/** @param {string[]} userIds */
function showUnknownUsers(userIds) {
  if (userIds.length === 0) return html`<p class="muted">None. A call for one is refused with code 400.</p>`;
  return html`<ul class="chips">
    ${repeat(
      userIds,
      (id) => id,
      (id) => html`<li class="line">
        <span class="id">${id}</span>
        <button type="button" @click=${() => makeKnown(id)}>Make known<span class="hidden-text"> ${id}</span></button>
      </li>`,
    )}
  </ul>`;
}

element('unknown-form').addEventListener('submit', async (event) => {
  const userId = String(fields(event).get('userId')).trim();
  if (userId === '') return say('Name a user.');
  await change('PUT', `unknown-users/${encodeURIComponent(userId)}`, {}, `${userId} is unknown to RongCloud.`);
});

/** @param {string} userId */
async function makeKnown(userId) {
  await change('DELETE', `unknown-users/${encodeURIComponent(userId)}`, undefined, `${userId} is known to RongCloud.`);
  // The button goes with its user.
  element('unknown-title').focus();
}

// --- Dead letters

/** @param {string} messageId */
async function putBack(messageId) {
  const done = await change('POST', `dead-letters/${messageId}/put-back`, {}, 'The message is back on the queue.');
  // The button goes with its message.
  if (done) element('letters-title').focus();
}

// --- Joins

/** @param {State['service']['sample']} sample */
function prefill(sample) {
  if (!sample) return;
  const claims = Object.keys(sample.claims).length > 0 ? JSON.stringify(sample.claims) : '';
  for (const [id, text] of Object.entries({ group: sample.groupId, users: sample.userId, claims })) {
    const field = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (element(id));
    // What a person has typed already stays.
    if (field.value === field.defaultValue) field.value = text;
  }
  if (claims !== '') /** @type {HTMLDetailsElement} */ (element('more')).open = true;
}

/** Says why there is no answer, also in its place: that of an earlier join would pass for it. @param {string} text */
function sayInAnswer(text) {
  say(text);
  render(html`<p>${text}</p>`, element('answer'));
}

element('join-form').addEventListener('submit', async (event) => {
  const form = fields(event);
  const text = (/** @type {string} */ name) => String(form.get(name));
  joinNumber += 1;
  const number = joinNumber;
  sayInAnswer('Asked. Waiting for the answer…');
  const groupId = text('groupId').trim();
  const userIds = text('userIds')
    .split(/[\n,]/)
    .flatMap((id) => id.trim() || []);
  if (groupId === '' || userIds.length === 0) return sayInAnswer('Name a group and at least one user.');
  let claims;
  try {
    claims = text('claims') === '' ? undefined : JSON.parse(text('claims'));
  } catch {
    sayInAnswer('The claims are not JSON.');
    return;
  }
  const join = {
    ...{ groupId, userIds },
    as: text('as'),
    when: text('when'),
    ...(text('when') === 'wait' && { waitSeconds: Number(text('waitSeconds')) }),
    ...(text('groupName') !== '' && { groupName: text('groupName') }),
    ...(claims !== undefined && { claims }),
  };
  const done = await ask('POST', 'joins', join, (text) => number === joinNumber && sayInAnswer(text));
  if (number !== joinNumber || !done) return;
  const { curl, answer } = done;
  say(`The answer is ${answer.status} ${answer.reason}.`);
  render(showJoin(curl, answer), element('answer'));
});

/** @param {string} curl @param {{ status: number, reason: string, headers: Record<string, string>, body: string }} answer */
function showJoin(curl, { status, reason, headers, body }) {
  return html`
    <div>
      <h3>Answer</h3>
      <p><span class="badge ${status < 400 ? 'good' : 'bad'}">${status} ${reason}</span></p>
      <pre tabindex="0" role="region" aria-label="Answer">${pretty(body)}</pre>
      <details>
        <summary>Headers <span class="hidden-text">of the answer</span></summary>
        <pre tabindex="0" role="region" aria-label="Headers">${Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)}</pre>
      </details>
    </div>
    <div>
      <div class="line spread"><h3>The same by curl</h3><button type="button" @click=${() => copy(curl)}>Copy</button></div>
      <pre tabindex="0" role="region" aria-label="The same by curl">${curl}</pre>
    </div>`;
}

/** @param {string} body */
function pretty(body) {
  const short = body.length > 5000 ? `${body.slice(0, 5000)}…` : body;
  try {
    return body === short ? JSON.stringify(JSON.parse(body), undefined, 2) : short;
  } catch {
    return short;
  }
}

/** @param {string} text */
async function copy(text) {
  await navigator.clipboard.writeText(text).then(
    () => say('Copied.'),
    () => say('The browser does not let the page copy. Select the text instead.'),
  );
}

// --- Asking

/** The fields of a form that is not to be sent by the browser. @param {SubmitEvent | Event} event */
function fields(event) {
  event.preventDefault();
  return new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
}

/**
 * Asks the sandbox. What it answers; undefined, having said why, if it refuses.
 * @param {string} method @param {string} path @param {unknown} body @param {(text: string) => void} [refuse]
 */
async function ask(method, path, body, refuse = say) {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(INTERFACE + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = response.status === 204 ? {} : await response.json();
    if (response.ok) return answer;
    refuse(`${answer.error}.`);
  } catch {
    refuse('The sandbox does not answer. Does npm start still run?');
  }
  return undefined;
}

/** @param {string} method @param {string} path @param {unknown} body @param {string} done */
async function change(method, path, body, done) {
  const answer = await ask(method, path, body);
  if (answer) say(done);
  return answer !== undefined;
}
