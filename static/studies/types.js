// @ts-check
/**
 * The shapes that the runner's modules hand to each other. There is nothing here to run.
 *
 * @typedef {"left" | "right" | "neither"} Choice
 *
 * @typedef {"open" | "paused" | "closed"} StudyState
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
 * @property {Progress} progress
 * @property {StudyState} state
 *
 * @typedef {{image: HTMLImageElement, left: HTMLImageElement, right: HTMLImageElement}} Pictures
 *
 * @typedef {object} Prepared an assignment whose pictures are decoded
 * @property {Assignment} assignment
 * @property {Pictures} pictures
 * @property {number} showings how often it has been on the screen
 *
 * @typedef {object} Measured what the plugin measures of one answer
 * @property {Choice} choice
 * @property {number} rt_ms milliseconds from the painted pictures to the input event
 * @property {Record<string, unknown>} timing
 *
 * @typedef {object} Answer the body of a POST to `responses/`
 * @property {string} uuid
 * @property {number} revision
 * @property {Choice} choice
 * @property {number} rt_ms
 * @property {Record<string, unknown>} timing
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
