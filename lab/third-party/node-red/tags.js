// What the HMI knows of each PLC: the last answer, and when it came. An answer that never comes changes nothing here, so
// a value keeps the time at which the PLC said it; only its quality turns bad.
const { performance } = require('node:perf_hooks');

const PLCS = ['plc-mixer', 'plc-filler'];
// Longer than a poll, its timeout and a pause of this process together; shorter than what a person would act upon.
const GOOD_FOR_MS = 1500;

const answers = new Map();

// Takes the input registers 0 to 5 of one PLC, as lab/plant/plc.py lays them out.
function keep(plc, registers) {
  const [heartbeat, level, low, high, rate, temperature] = registers;
  answers.set(plc, {
    values: { heartbeat, level, rate, temperature, count: low + high * 65536 },
    sourceTime: new Date().toISOString(),
    // Age is counted on a clock that cannot be set.
    cameAt: performance.now(),
  });
}

const NEVER = {
  values: { heartbeat: null, level: null, rate: null, temperature: null, count: null },
  sourceTime: '',
  cameAt: -Infinity,
};

function snapshot() {
  const tags = {};
  for (const plc of PLCS) {
    const answer = answers.get(plc) ?? NEVER;
    const quality = performance.now() - answer.cameAt <= GOOD_FOR_MS ? 'good' : 'bad';
    for (const [name, value] of Object.entries(answer.values)) {
      tags[`${plc}.${name}`] = { value, quality, source_time: answer.sourceTime };
    }
  }
  return { tags };
}

module.exports = { keep, snapshot };
