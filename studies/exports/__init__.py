"""The answers of a study as files: tables, jsPsych's format, and Psych-DS, whatever their number in bounded memory."""
