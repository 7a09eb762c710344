import { isMachineCode, type MachineCode } from './code.ts'

/** What {@link parseStatusText} finds in an error text. */
export interface StatusText {
  /** The code; `Unknown` when the text names none. */
  code: MachineCode
  /** The message; the whole text when it is not a status text. */
  message: string
  /** True when the text has the form of a status text. */
  ok: boolean
}

/**
 * Renders a code and a message as upstream's drivers print their errors. The message is inserted as it is.
 *
 * Upstream's controller recovers the code from this text by counting brackets, so a message with a stray bracket
 * loses its code there: pass it through {@link balanceBrackets} first.
 *
 * @example
 * formatStatusText('NotFound', 'no VM') // 'machine codes error: code = [NotFound] message = [no VM]'
 */
export function formatStatusText(code: MachineCode, message: string): string {
  return `machine codes error: code = [${code}] message = [${message}]`
}

/**
 * Reads a code and a message from an error text, exactly as upstream's controller does: the text must hold exactly
 * two outermost bracket groups, the code and the message. Text around them does not matter. A group that is not the
 * name of a code means `Unknown`. Never throws.
 */
export function parseStatusText(text: string): StatusText {
  const groups: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '[') {
      if (depth === 0) start = i + 1
      depth++
    } else if (character === ']' && depth > 0) {
      depth--
      if (depth === 0) groups.push(text.slice(start, i))
    }
  }
  const [code, message] = groups
  if (groups.length !== 2 || code === undefined || message === undefined) {
    return { code: 'Unknown', message: text, ok: false }
  }
  return { code: isMachineCode(code) ? code : 'Unknown', message, ok: true }
}

/** Replaces brackets that have no partner by parentheses, so that a message survives {@link parseStatusText}. */
export function balanceBrackets(text: string): string {
  if (!/[[\]]/.test(text)) return text
  const characters = [...text]
  const open: number[] = []
  characters.forEach((character, i) => {
    if (character === '[') open.push(i)
    else if (character === ']' && open.pop() === undefined) characters[i] = ')'
  })
  for (const i of open) characters[i] = '('
  return characters.join('')
}
