// Loaded into Node by `remint run --sdk` where a variable has the URI of a key
// that stays in its token. Signing with that URI in place of a PEM asks remint:
// crypto.createSign, crypto.sign, crypto.createPrivateKey and createPublicKey.
'use strict';
const crypto = require('node:crypto');
const { Worker, isMainThread } = require('node:worker_threads');

const socket = process.env.REMINT_SOCKET;
const reference = /^(?:pkcs11|software):/;
const hashes = { sha1: 3, sha224: 4, sha256: 5, sha384: 6, sha512: 7 }; // Go's crypto.Hash
const room = 1 << 16;
const references = new WeakMap();

// The answer is waited for: signing in Node is a call that returns.
const asking = `
const net = require('node:net');
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ path, question, shared }) => {
  const state = new Int32Array(shared, 0, 2);
  const done = text => {
    const bytes = Buffer.from(text);
    Buffer.from(shared, 8).set(bytes.subarray(0, shared.byteLength - 8));
    state[1] = bytes.length;
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
  let answer = '';
  const c = net.connect(path, () => c.write(question + '\\n'));
  c.setEncoding('utf8');
  c.on('data', d => { answer += d; });
  c.on('end', () => done(answer || '{"error":"remint gave no answer"}'));
  c.on('error', e => done(JSON.stringify({ error: e.message })));
});`;

let worker;

function ask(question) {
  if (!worker) {
    worker = new Worker(asking, { eval: true, env: {}, execArgv: [] });
    worker.unref();
  }
  const shared = new SharedArrayBuffer(room);
  worker.postMessage({ path: socket, question: JSON.stringify(question), shared });
  const state = new Int32Array(shared, 0, 2);
  if (Atomics.wait(state, 0, 0, 30000) === 'timed-out') throw new Error('remint: no answer within 30 seconds');
  const r = JSON.parse(Buffer.from(shared, 8, state[1]).toString());
  if (r.error) throw new Error('remint: ' + r.error);
  return Buffer.from(r.value || '', 'base64');
}

// label is a key's, from its URI (RFC 7512: object=…).
function label(uri) {
  const m = /[:;]object=([^;?]*)/.exec(uri);
  return decodeURIComponent(m ? m[1] : uri.replace(/^software:/, '').replace(/^.*#/, ''));
}

// referenceOf is the URI that a key is, in any of the forms that Node takes.
function referenceOf(key) {
  const k = key && typeof key === 'object' && !(key instanceof crypto.KeyObject) && !Buffer.isBuffer(key) ? key.key : key;
  if (k && typeof k === 'object' && references.has(k)) return references.get(k);
  const text = Buffer.isBuffer(k) ? k.toString() : k;
  return typeof text === 'string' && reference.test(text) ? text.trim() : undefined;
}

const real = {
  createPrivateKey: crypto.createPrivateKey, createPublicKey: crypto.createPublicKey, sign: crypto.sign,
  Sign: crypto.Sign.prototype.sign, update: crypto.Sign.prototype.update, createSign: crypto.createSign,
};

function publicKey(uri) {
  return real.createPublicKey({ key: ask({ op: 'public', name: label(uri) }), format: 'der', type: 'spki' });
}

function signature(uri, algorithm, data, key) {
  const pub = publicKey(uri);
  const name = String(algorithm || '').toLowerCase().replace(/^rsa-|withrsaencryption$|-/g, '');
  if (key && key.padding !== undefined && key.padding !== crypto.constants.RSA_PKCS1_PADDING) {
    throw new Error('remint: a key in the token signs with PKCS #1 v1.5 padding alone');
  }
  let question = { op: 'sign', name: label(uri), digest: data.toString('base64') };
  if (pub.asymmetricKeyType !== 'ed25519') {
    if (!hashes[name]) throw new Error('remint: a key in the token does not sign with ' + algorithm);
    question.digest = crypto.createHash(name).update(data).digest('base64');
    question.hash = hashes[name];
  }
  const out = ask(question);
  return key && key.dsaEncoding === 'ieee-p1363' && pub.asymmetricKeyType === 'ec' ? plain(out, pub) : out;
}

// plain turns an ECDSA signature from DER into the two numbers side by side.
function plain(der, pub) {
  const size = { prime256v1: 32, secp384r1: 48, secp521r1: 66 }[pub.asymmetricKeyDetails.namedCurve];
  let at = der[1] & 0x80 ? 3 : 2;
  const out = Buffer.alloc(2 * size);
  for (const end of [size, 2 * size]) {
    const n = der[at + 1];
    let number = der.subarray(at + 2, at + 2 + n);
    if (number.length > size) number = number.subarray(number.length - size);
    number.copy(out, end - number.length);
    at += 2 + n;
  }
  return out;
}

if (isMainThread && socket) {
  crypto.createPrivateKey = key => {
    const uri = referenceOf(key);
    if (!uri) return real.createPrivateKey(key);
    const pub = publicKey(uri);
    const k = Object.create(crypto.KeyObject.prototype, {
      type: { value: 'private' }, asymmetricKeyType: { value: pub.asymmetricKeyType }, asymmetricKeyDetails: { value: pub.asymmetricKeyDetails },
      export: { value() { throw new Error('remint: the key does not leave its token'); } },
    });
    references.set(k, uri);
    return k;
  };
  crypto.createPublicKey = key => {
    const uri = referenceOf(key);
    return uri ? publicKey(uri) : real.createPublicKey(key);
  };
  crypto.sign = (algorithm, data, key, callback) => {
    const uri = referenceOf(key);
    if (!uri) return callback ? real.sign(algorithm, data, key, callback) : real.sign(algorithm, data, key);
    const out = signature(uri, algorithm, Buffer.from(data), key);
    return callback ? process.nextTick(callback, null, out) : out;
  };
  crypto.createSign = (algorithm, options) => {
    const s = real.createSign(algorithm, options);
    const parts = [];
    s.update = function (data, encoding) {
      parts.push(Buffer.isBuffer(data) ? data : Buffer.from(data, encoding));
      return real.update.call(this, data, encoding);
    };
    s.sign = function (key, encoding) {
      const uri = referenceOf(key);
      if (!uri) return real.Sign.call(this, key, encoding);
      const out = signature(uri, algorithm, Buffer.concat(parts), key);
      return encoding && encoding !== 'buffer' ? out.toString(encoding) : out;
    };
    return s;
  };
}
