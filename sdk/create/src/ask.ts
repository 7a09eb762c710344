import { createInterface } from 'node:readline/promises'
import { defaultNames, type Names, problemOf } from './names.ts'

/** A terminal at which a person can be asked. */
export interface Terminal {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
}

/** Asks for the names that are not known, each until it will do. The end of the input, and Ctrl-C, end it with an error. */
export async function askForNames({ input, output }: Terminal, known: Partial<Names>, author?: string): Promise<Names> {
  const terminal = createInterface({ input, output })
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new Error('nothing was written'))
  terminal.once('SIGINT', stop)
  terminal.once('close', stop)
  ended.catch(() => {})
  const askFor = async (key: keyof Names, text: string, fallback = ''): Promise<string> => {
    const given = known[key]
    if (given !== undefined) return given
    while (true) {
      const question = `${text}${fallback === '' ? '' : ` (${fallback})`}: `
      const answer = (await Promise.race([terminal.question(question), ended])).trim() || fallback
      const problem = problemOf[key](answer)
      if (problem === undefined) return answer
      output.write(`${problem}\n`)
    }
  }
  try {
    const cloud = await askFor('cloud', 'name of the cloud, such as my-cloud')
    const names = defaultNames(cloud, author)
    return {
      cloud,
      package: await askFor('package', 'name of the npm package', names.package),
      provider: await askFor('provider', 'provider name, as MachineClasses will say', names.provider),
      author: await askFor('author', 'who holds the copyright', names.author),
    }
  } finally {
    terminal.close()
  }
}
