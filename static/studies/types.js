// @ts-check
/**
 * The shapes that the runner's modules hand to each other. There is nothing here to run.
 *
 * @typedef {"left" | "right" | "neither" | "equal" | "both_bad"} Choice
 *
 * @typedef {"open" | "paused" | "closed"} StudyState
 *
 * @typedef {object} Settings how trials are shown, as the protocol says; times in milliseconds
 * @property {string} ties which answers there are beside left and right
 * @property {number} confidence points of the rating that goes with an answer; 0: none is asked for
 * @property {"off" | "optional"} reason
 * @property {boolean} undo
 * @property {number} break_every trials from one break to the next; 0: no breaks
 * @property {number | null} show_for_ms after which the maps are covered
 * @property {number} least_ms before which no answer is taken
 * @property {number | null} most_ms after which the trial is over without an answer
 * @property {boolean} overlay_controls
 *
 * @typedef {object} Assignment an assignment as `assignments/next/` gives it
 * @property {string} token
 * @property {number} position place in the annotator's order, from 1
 * @property {string} trial_type
 * @property {string} question
 * @property {string} prediction the class that the network answered
 * @property {Choice[]} options
 * @property {number} revision the revision that the next answer to it will have
 * @property {{image: string, left: string, right: string}} pictures addresses
 *
 * @typedef {object} Progress
 * @property {number} answered
 * @property {number} total
 *
 * @typedef {object} NextReply
 * @property {Assignment[]} assignments
 * @property {Assignment | null} previous
 * @property {Settings} settings
 * @property {Progress} progress
 * @property {StudyState} state
 *
 * @typedef {object} FormField a question of a questionnaire, as the protocol has it
 * @property {string} name
 * @property {string} label
 * @property {"text" | "textarea" | "number" | "choice" | "choices" | "scale"} kind
 * @property {string} help
 * @property {boolean} required
 * @property {string[]} options
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {string} low the scale's lower end in words
 * @property {string} high
 * @property {number} points
 * @property {number} longest characters
 *
 * @typedef {object} StudyPage a page of the protocol
 * @property {string} key
 * @property {"consent" | "text" | "questionnaire" | "plugin"} kind
 * @property {string} title
 * @property {string} html made by the server from Markdown, without scripts
 * @property {string} digest of the text that is shown
 * @property {FormField[]} [fields]
 * @property {{name: string, script: string, global: string, parameters: Record<string, unknown>}} [plugin]
 * @property {string | null} [button]
 * @property {string | null} [accept]
 * @property {string | null} [decline]
 * @property {number} [least_seconds]
 *
 * @typedef {{kind: "page", page: StudyPage}} PageStep
 *
 * @typedef {object} PracticeStep
 * @property {"practice"} kind
 * @property {{key: string, title: string, html: string}} page
 * @property {number} round from 1
 * @property {number} rounds at most
 * @property {number} wanted how many right answers are enough
 * @property {number | null} correct_before how many were right in the round before
 * @property {Assignment[]} assignments of this round, without an answer so far
 *
 * @typedef {{kind: "trials"}} TrialsStep
 * @typedef {{kind: "finished", outcome: string, url: string}} FinishedStep
 * @typedef {PageStep | PracticeStep | TrialsStep | FinishedStep} Step
 *
 * @typedef {object} StepReply
 * @property {Step} step
 * @property {{index: number, of: number}} place among the protocol's pages
 * @property {StudyState} state
 * @property {string} participation_state
 *
 * @typedef {{image: HTMLImageElement, left: HTMLImageElement, right: HTMLImageElement}} Pictures
 *
 * @typedef {object} Prepared an assignment whose pictures are decoded
 * @property {Assignment} assignment
 * @property {Pictures} pictures
 * @property {number} showings how often it has been on the screen
 *
 * @typedef {object} Measured what the plugin measures of one answer
 * @property {Choice | "timeout"} choice
 * @property {number} [confidence] from 1
 * @property {string} [reason]
 * @property {number} rt_ms milliseconds from the painted pictures to the input event
 * @property {Record<string, unknown>} timing
 *
 * @typedef {Measured & {uuid: string, revision: number}} Answer the body of a POST to `responses/`
 *
 * @typedef {object} Entry an answer kept until the server has it
 * @property {string} token
 * @property {Answer} answer
 * @property {Assignment} assignment what was answered, so that it can be undone after a reload
 * @property {number} kept_at milliseconds since the epoch; entries are sent in this order
 * @property {number} [refusals] how often the server has refused it
 * @property {string} [reason] why, the last time
 */

export {};
