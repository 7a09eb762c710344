import { expect, it } from 'vitest'
import { answerProblem } from './answer-problem.ts'

it.each<[unknown, string | undefined]>([
  [{ violations: [] }, undefined],
  [{ violations: [{ path: '', message: 'is wrong' }] }, undefined],
  [{}, 'violations is empty'],
  [{ violations: null }, 'violations is empty'],
  [{ violations: 'none' }, 'violations must be a list'],
  [{ violations: [null] }, 'violations[0] must hold objects'],
  [{ violations: [{ path: 'a', message: 'b' }, { path: 'a' }] }, 'violations[1] needs a path and a message'],
  [undefined, 'the answer is not an object'],
])('of ValidateMachineClass with %j is %j', (answer, problem) => {
  expect(answerProblem('validateMachineClass', answer)).toBe(problem)
})
