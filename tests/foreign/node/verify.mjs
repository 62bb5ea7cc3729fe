// Verifies a log's files with @sigstore/verify, the package that npm verifies provenance with:
//
//   node verify.mjs DIR
//
// DIR holds the log as it lies in the bucket under its origin, and log.vkey. What is here is glue: which tiles make a
// proof (C2SP tlog-tiles). The package verifies the signature of every checkpoint and the inclusion of a hundred leaves
// spread over the log; it knows no consistency proofs. It prints how many as JSON, or says what is wrong.

import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
// Not what the package offers, but what it is made of: what it offers takes Sigstore's bundles only.
import { verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';

const FULL = 256;
const SAMPLES = 100;

const read = (dir, path) => readFileSync(join(dir, path));
const node = (left, right) => createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();

/** The log's key, as the package takes it. */
function trusted(vkey) {
  const [name, id, ...key] = vkey.trim().split('+');
  const raw = Buffer.from(key.join('+'), 'base64');
  if (raw.length !== 33 || raw[0] !== 1) throw new Error('log.vkey is no Ed25519 key');
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return { baseURL: name, logID: Buffer.from(id, 'hex'), publicKey };
}

const path = (level, index, width) => {
  let position = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    position = `x${String(rest % 1000).padStart(3, '0')}/${position}`;
  }
  return `tile/${level}/${position}${width < FULL ? `.p/${width}` : ''}`;
};

/** A tree's tiles and entries, read from the directory, not trusted. */
class Files {
  constructor(dir, size) {
    Object.assign(this, { dir, size, cache: new Map() });
  }

  part(level, index, of) {
    const width = Math.min(Math.floor(this.size / FULL ** of) - index * FULL, FULL);
    const name = path(level, index, width);
    if (!this.cache.has(name)) this.cache.set(name, read(this.dir, name));
    return this.cache.get(name);
  }

  hash(level, index) {
    const at = (index % FULL) * 32;
    return this.part(level, Math.floor(index / FULL), level).subarray(at, at + 32);
  }

  /** RFC 6962's MTH of the leaves from start up to end. */
  range(start, end) {
    const length = end - start;
    for (let level = 7; level >= 0; level--) {
      if (length === FULL ** level && start % length === 0) return this.hash(level, start / length);
    }
    const half = 2 ** Math.ceil(Math.log2(length) - 1);
    return node(this.range(start, start + half), this.range(start + half, end));
  }

  /** RFC 6962's PATH, from the leaf's sibling up. */
  proof(index, start = 0, end = this.size) {
    if (end - start === 1) return [];
    const half = 2 ** Math.ceil(Math.log2(end - start) - 1);
    return index < start + half
      ? [...this.proof(index, start, start + half), this.range(start + half, end)]
      : [...this.proof(index, start + half, end), this.range(start, start + half)];
  }

  entry(index) {
    let bundle = this.part('entries', Math.floor(index / FULL), 0);
    for (let before = index % FULL; before > 0; before--) bundle = bundle.subarray(2 + bundle.readUInt16BE());
    const length = bundle.readUInt16BE();
    if (bundle.length < 2 + length) throw new Error(`the bundle of entry ${index} ends within it`);
    return bundle.subarray(2, 2 + length);
  }
}

function verify(dir) {
  const log = trusted(read(dir, 'log.vkey').toString());
  const open = (file) => {
    const envelope = read(dir, file).toString();
    const checkpoint = verifyCheckpoint({ inclusionProof: { checkpoint: { envelope } } }, [log]);
    if (checkpoint.origin !== log.baseURL) throw new Error(`${file} is of ${checkpoint.origin}`);
    return checkpoint;
  };
  const newest = open('checkpoint');
  const size = Number(newest.logSize);
  const checkpoints = readdirSync(join(dir, 'checkpoints')).map((name) => open(`checkpoints/${name}`));

  const files = new Files(dir, size);
  const count = Math.min(SAMPLES, size);
  for (let i = 0; i < count; i++) {
    const index = count > 1 ? Math.floor((i * (size - 1)) / (count - 1)) : 0;
    const inclusionProof = { logIndex: String(index), hashes: files.proof(index) };
    try {
      verifyMerkleInclusion({ inclusionProof, canonicalizedBody: files.entry(index) }, newest);
    } catch (error) {
      throw new Error(`leaf ${index}: ${error.message}`);
    }
  }
  return { size, checkpoints: checkpoints.length, inclusion: count };
}

try {
  if (process.argv.length !== 3) throw new Error('usage: node verify.mjs DIR');
  console.log(JSON.stringify(verify(process.argv[2])));
} catch (error) {
  console.error(`BROKEN: ${error.message}`);
  process.exitCode = 1;
}
