// @ts-check
// NumPy's default random numbers in the browser, bit for bit: numpy.random.default_rng of a list of whole numbers below 2^32.
// So the page draws the very faults that Python draws from a seed, and asks nobody for them.
//
// SeedSequence and PCG64 (XSL-RR): M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
// Random Number Generation", 2014. Normal numbers: G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random
// Variables", 2000, in 256 layers. NumPy has its tables from more digits, so normal numbers agree but for the last ones.

/** Spreads the numbers of a seed over so many words of 32 bits, as numpy.random.SeedSequence does. @param {number[]} seed @param {number} words */
export function seedWords(seed, words) {
  let constant = 0x43b0d7e5;
  const hash = (/** @type {number} */ value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (/** @type {number} */ x, /** @type {number} */ y) => {
    const mixed = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) | 0;
    return mixed ^ (mixed >>> 16);
  };
  const pool = [0, 1, 2, 3].map((place) => hash(seed[place] ?? 0));
  for (let from = 0; from < 4; from++) for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  for (const more of seed.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(more));
  constant = 0x8b51f9dd;
  return Uint32Array.from({ length: words }, (_, place) => {
    let value = pool[place % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  });
}

/** Numbers of 128 bits are eight limbs of 16 bits, the lowest first: products of two limbs are exact in a double. @param {string} hex */
const limbs = (hex) => Array.from({ length: 8 }, (_, place) => parseInt(hex.slice(28 - 4 * place, 32 - 4 * place), 16));
const MULTIPLIER = limbs("2360ed051fc65da44385df649fccf645");

/** The limbs of words of 32 bits that stand as NumPy gives them: the high half of 64 bits twice, then the low one. @param {ArrayLike<number>} words */
const limbsOf = (words) => [2, 3, 0, 1].flatMap((place) => [words[place] & 0xffff, words[place] >>> 16]);

/** @param {number[]} a @param {number[]} b */
function sum(a, b) {
  let carry = 0;
  return a.map((limb, place) => {
    const total = limb + b[place] + carry;
    carry = total > 0xffff ? 1 : 0;
    return total & 0xffff;
  });
}

/** A generator. @param {number[]} seed whole numbers below 2^32 */
export function generator(seed) {
  const words = seedWords(seed, 8);
  const sequence = limbsOf(words.subarray(4));
  const increment = sequence.map((limb, place) => ((limb << 1) & 0xffff) | (place ? sequence[place - 1] >>> 15 : 1));
  // Limbs from high to low in one loop: a limb of the product needs those of the state up to its own, so it may take their place.
  const state = new Float64Array(8);
  function step() {
    for (let place = 7; place >= 0; place--) {
      let total = increment[place];
      for (let i = 0; i <= place; i++) total += state[i] * MULTIPLIER[place - i];
      state[place] = total;
    }
    for (let place = 0, carry = 0; place < 8; place++) {
      const total = state[place] + carry;
      carry = Math.floor(total / 0x10000);
      state[place] = total - carry * 0x10000;
    }
  }
  step();
  state.set(sum([...state], limbsOf(words)));
  step();
  let [high, low] = [0, 0];
  /** The next 64 bits, in two halves. */
  function draw() {
    step();
    const [a, b] = [(state[0] ^ state[4]) | ((state[1] ^ state[5]) << 16), (state[2] ^ state[6]) | ((state[3] ^ state[7]) << 16)];
    const turn = state[7] >>> 10;
    [high, low] = turn & 32 ? [a, b] : [b, a];
    const by = turn & 31;
    if (by) [high, low] = [(high >>> by) | (low << (32 - by)), (low >>> by) | (high << (32 - by))];
  }
  const random = () => {
    draw();
    return ((high >>> 0) * 2 ** 21 + (low >>> 11)) * 2 ** -53;
  };
  function normal() {
    const { width, reach, height } = (tables ??= ziggurat());
    for (;;) {
      draw();
      const [layer, bits] = [low & 255, (high & 0x1fffffff) * 2 ** 23 + (low >>> 9)];
      const x = (low & 256 ? -1 : 1) * bits * width[layer];
      if (bits < reach[layer]) return x;
      if (layer === 0) return Math.floor(bits / 256) % 2 ? -tail(random) : tail(random);
      if ((height[layer - 1] - height[layer]) * random() + height[layer] < Math.exp(-0.5 * x * x)) return x;
    }
  }
  return { random, normal };
}

/** Where the lowest layer of the ziggurat ends and the tail begins, and the area of each layer. */
const TAIL = 3.6541528853610088;
const AREA = 0.004928673233974658;

/** A normal number beyond the last layer. @param {() => number} random */
function tail(random) {
  for (;;) {
    const [x, y] = [-Math.log1p(-random()) / TAIL, -Math.log1p(-random())];
    if (2 * y > x * x) return TAIL + x;
  }
}

/** @type {ReturnType<typeof ziggurat> | undefined} */
let tables;

/** The layers: how wide each is in units of 2^-52, up to which number of these it lies below the curve, and how high. */
function ziggurat() {
  const [width, reach, height] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  const under = (/** @type {number} */ x) => Math.exp(-0.5 * x * x);
  let x = TAIL;
  const base = AREA / under(x);
  [width[0], reach[0], height[0]] = [base * 2 ** -52, Math.floor((x / base) * 2 ** 52), 1];
  [width[255], height[255]] = [x * 2 ** -52, under(x)];
  for (let layer = 254; layer; layer--) {
    const narrower = Math.sqrt(-2 * Math.log(AREA / x + under(x)));
    [reach[layer + 1], width[layer], height[layer]] = [Math.floor((narrower / x) * 2 ** 52), narrower * 2 ** -52, under(narrower)];
    x = narrower;
  }
  return { width, reach, height };
}
