"""Every kind of finding of an import: its stable code, its severity, and what it means.

``E`` codes block an import, ``W`` codes are imported and listed, ``N`` codes say what was
assumed while reading. A code is never given a new meaning; the reference page is made from
this table.

Errors are what makes a value unreadable or an analysis impossible. Contradictions in time are
errors only where every possible reading of a partial date contradicts; everything that is
unlikely but possible is a warning.
"""

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class FindingCode(NamedTuple):
    """What a code means and what to do about it."""

    severity: Severity
    title: str
    explanation: str
    action: str


def _error(title: str, explanation: str, action: str) -> FindingCode:
    return FindingCode("error", title, explanation, action)


def _warning(title: str, explanation: str, action: str) -> FindingCode:
    return FindingCode("warning", title, explanation, action)


def _note(title: str, explanation: str, action: str) -> FindingCode:
    return FindingCode("note", title, explanation, action)


_FILES = {
    "IAGO-E101": _error(
        "Unknown column",
        "The header names a column that the table does not have. It is refused and not skipped, "
        "so that no answer is lost through a misspelt name.",
        "Correct the name, or delete the column if the standard has no place for it.",
    ),
    "IAGO-E102": _error(
        "Missing column",
        "A column that every row must fill is not in the header.",
        "Add the column and fill it in every row.",
    ),
    "IAGO-E103": _error(
        "Column named twice",
        "Two columns of the file have the same name, so it is not clear which one counts.",
        "Keep one of the two columns, or give one of them its proper name.",
    ),
    "IAGO-E104": _error(
        "Row with too many cells",
        "The row has more cells than the header. Usually a text holds the delimiter and is not "
        "in quotation marks.",
        "Put texts that hold the delimiter into quotation marks, or remove the extra cells.",
    ),
    "IAGO-E105": _error(
        "Row with too few cells",
        "The row has fewer cells than the header. The row may have been cut off.",
        "Add the missing delimiters; an unknown value is an empty cell, not a missing one.",
    ),
    "IAGO-E106": _error(
        "Empty file",
        "The file holds nothing, not even a header.",
        "Export the file again, or delete it if the table has no rows.",
    ),
    "IAGO-E107": _error(
        "File too large",
        "The file is larger than an import accepts.",
        "Export fewer columns or rows, or split the data set by centre.",
    ),
    "IAGO-E108": _error(
        "Not a text file",
        "The file holds bytes that no text has. It may be an Excel workbook, an archive or a "
        "damaged file.",
        "Open it in the program that made it and save it as 'CSV UTF-8'.",
    ),
    "IAGO-E109": _error(
        "Broken quotation marks",
        "A quotation mark is opened and never closed, or text follows a closing one, so the "
        "cells from there on cannot be told apart. The rest of the file was not read.",
        "Close the quotation mark; a quotation mark inside a text is written twice.",
    ),
    "IAGO-E110": _error(
        "Header not recognised",
        "No cell of the first line is a column of the table, in any of the three delimiters.",
        "Make the first line the column names, as in the CSV templates.",
    ),
    "IAGO-E111": _error(
        "Missing file",
        "Patients and courses are needed for any analysis, and a mapping needs the files that it "
        "names.",
        "Add the file; the CSV templates show the columns of each table.",
    ),
    "IAGO-E112": _error(
        "Cell or line too long",
        "A cell or the header is longer than any value of the standard can be. Usually a "
        "quotation mark is not closed. The rest of the file was not read.",
        "Look for an open quotation mark in this row, or shorten the cell.",
    ),
    "IAGO-E113": _error(
        "Unreadable description of the data set",
        "dataset.toml gives the title, the clock and notes of the data set.",
        "Correct dataset.toml, or delete it to import without a title.",
    ),
    "IAGO-E114": _error(
        "Two files for one table",
        "Two files differ only in upper and lower case and stand for the same table.",
        "Keep one of the two files.",
    ),
    "IAGO-E115": _error(
        "Column without a name",
        "Cells are filled below an empty cell of the header.",
        "Name the column, or empty its cells.",
    ),
    "IAGO-E116": _error(
        "File cannot be opened",
        "The operating system does not let the file be read.",
        "Close the file in other programs and check who may read it.",
    ),
    "IAGO-E120": _error(
        "Required table without rows",
        "Patients and courses are needed for any analysis, and the file holds a header only.",
        "Fill the table; a template is not a data set.",
    ),
    "IAGO-W117": _warning(
        "File not read",
        "The folder holds a CSV file that is not named after a table of the standard.",
        "Rename it if it holds data of the standard; otherwise ignore this warning.",
    ),
    "IAGO-W118": _warning(
        "Rows of one group differ",
        "A mapping makes one row of several, and they disagree in a column that is taken from "
        "the first of them.",
        "Choose min or max in the mapping, add a column to one_row_per, or correct the rows.",
    ),
    "IAGO-W119": _warning(
        "Mapping selects no row",
        "The condition of a mapped table holds for no row of the source.",
        "Check 'where' in the mapping against the values of the source.",
    ),
    "IAGO-N121": _note(
        "Read as Windows-1252",
        "The bytes are not UTF-8. They were read as Windows-1252 (Latin-1), the encoding in "
        "which Excel saves plain CSV in western Europe.",
        "Check names with accents; save as 'CSV UTF-8' to be sure.",
    ),
    "IAGO-N122": _note(
        "Read as UTF-16",
        "The file begins with the mark of UTF-16, as Excel's 'Unicode text' does.",
        "Nothing to do.",
    ),
    "IAGO-N123": _note(
        "Decimal commas",
        "The file is not delimited by commas, so a comma inside a number was read as the "
        "decimal sign.",
        "Nothing to do if commas are decimal signs and not thousands separators.",
    ),
    "IAGO-N124": _note(
        "Table absent",
        "There is no file for the table; it is imported with no rows.",
        "Nothing to do if the data set has no such data.",
    ),
    "IAGO-N125": _note(
        "Table without rows",
        "The file holds a header and nothing else.",
        "Nothing to do if the data set has no such data.",
    ),
    "IAGO-N126": _note(
        "Columns not mapped",
        "The foreign file has columns that the mapping does not read.",
        "Nothing to do if the standard has no place for them.",
    ),
}

_CELLS = {
    "IAGO-E201": _error(
        "Required value missing",
        "Identifiers and a few codes are needed to place the row. An unknown is not allowed here.",
        "Fill the cell.",
    ),
    "IAGO-E202": _error(
        "Not in the code list",
        "The text is neither a code of the list nor one of its labels or synonyms.",
        "Write a code of the list; the guide beside the templates names all of them.",
    ),
    "IAGO-E203": _error(
        "Not a date",
        "Dates are written year first, as in ISO 8601, and may be cut at the month or the year.",
        "Write YYYY-MM-DD, YYYY-MM or YYYY; in Excel give the column the format YYYY-MM-DD "
        "(German Excel: JJJJ-MM-TT) before saving.",
    ),
    "IAGO-E204": _error(
        "Not a number",
        "The cell holds something other than one number.",
        "Write one number without unit, sign of comparison or thousands separator.",
    ),
    "IAGO-E205": _error(
        "Number out of range",
        "The number is outside the range that is possible for this question.",
        "Check the source; write UNK if the true value is not known.",
    ),
    "IAGO-E206": _error(
        "Neither yes nor no",
        "The question is answered by yes or no.",
        "Write yes or no, or UNK if it is not known.",
    ),
    "IAGO-E207": _error(
        "Identifier with other characters",
        "Identifiers join the tables; they hold letters, digits and . _ : / + - only, and begin "
        "with a letter or digit.",
        "Replace blanks and other characters, in the same way in every file.",
    ),
    "IAGO-E208": _error(
        "Decimal sign not clear",
        "In a comma-delimited file a comma inside a number is refused, and no file may use both "
        "the comma and the point as decimal sign, because a thousands separator would go "
        "unnoticed.",
        "Use one decimal sign in the whole file and no thousands separators; the point is always "
        "accepted.",
    ),
    "IAGO-E209": _error(
        "Value beyond a limit of detection",
        "This version keeps exact values only, and does not replace a limit by a number of its "
        "own choice.",
        "Write UNK; write the limit itself only if the analysis plan of your centre says so.",
    ),
    "IAGO-E210": _error(
        "Date in the future",
        "The time lies after today, even in its earliest reading.",
        "Check the year, and the date of infusion if the time is given as a day.",
    ),
    "IAGO-E211": _error(
        "Date and day disagree",
        "The same moment is given twice, and the two do not fit each other and the date of "
        "infusion.",
        "Correct one of the two, or leave one of them empty.",
    ),
    "IAGO-E212": _error(
        "Date that cannot be placed",
        "A calendar date becomes a day from infusion only where infusion_date of the course is "
        "known to the day.",
        "Give the full infusion_date in courses.csv, or write the time as a day from infusion.",
    ),
    "IAGO-E213": _error(
        "Unit does not fit",
        "The unit is not one in which this analyte is reported.",
        "Write the unit in UCUM spelling; the guide beside the templates lists the units of each "
        "analyte.",
    ),
    "IAGO-E214": _error(
        "Value without a unit",
        "A laboratory value without its unit cannot be compared with anything.",
        "Write the unit beside the value; take it from the laboratory, do not guess it.",
    ),
    "IAGO-E215": _error(
        "Not a short name",
        "Names are kept short and plain so that no free text enters the data.",
        "Write the international non-proprietary name only.",
    ),
    "IAGO-E216": _error(
        "Span of days not clear",
        "A span of possible days needs its earliest and its latest day, in this order, and a "
        "single day beside it lies inside it.",
        "Give both days of the span, or only the single day.",
    ),
}

_REFERENCES = {
    "IAGO-E301": _error(
        "Row given twice",
        "Two rows have the same identifier, or the same combination of columns that makes a row "
        "unique.",
        "Delete one of the rows if they are the same; otherwise give one a new identifier.",
    ),
    "IAGO-E302": _error(
        "Reference to nothing",
        "The identifier does not stand in the table to which it refers.",
        "Correct the identifier, or add the missing row to the other file.",
    ),
}

_CONTRADICTIONS = {
    "IAGO-E401": _error(
        "Resolution before onset",
        "The infection ends before it begins, in every reading of the two times.",
        "Correct one of the two times.",
    ),
    "IAGO-E402": _error(
        "Stop before start",
        "The exposure ends before it begins, in every reading of the two times.",
        "Correct one of the two times.",
    ),
    "IAGO-E403": _error(
        "Onset after death",
        "The infection begins after the patient died, in every reading of the two times.",
        "Correct the onset, or the day of death in deaths.csv.",
    ),
    "IAGO-E404": _error(
        "Contact after death",
        "The contact took place after the patient died, in every reading of the two times.",
        "Correct the contact, or the day of death in deaths.csv.",
    ),
    "IAGO-E405": _error(
        "Event after death",
        "The event took place after the patient died, in every reading of the two times.",
        "Correct the event, or the day of death in deaths.csv.",
    ),
    "IAGO-E406": _error(
        "Death before infusion",
        "The patient died before day 0, in every reading of the two times.",
        "Correct the day of death; a patient who was never infused has no course.",
    ),
}

_WARNINGS = {
    "IAGO-W501": _warning(
        "Onset before lymphodepletion",
        "The infection begins before lymphodepletion, or before day -30 where its start is not "
        "known. It is kept, but belongs to the time before this therapy. Thirty days are this "
        "project's own limit: lymphodepletion starts some days before infusion, and a postponed "
        "infusion must not raise the warning.",
        "Check the onset and the course to which the episode belongs.",
    ),
    "IAGO-W502": _warning(
        "Onset after the end of follow-up",
        "The infection begins after the follow-up of the course ended, so it is not counted.",
        "Move the end of follow-up, or check the onset.",
    ),
    "IAGO-W503": _warning(
        "Event after the end of follow-up",
        "The event lies after the follow-up of the course ended, so it is not counted.",
        "Move the end of follow-up, or check the event.",
    ),
    "IAGO-W504": _warning(
        "Recorded after death",
        "A sample, an exposure or a resolution lies after the day of death. It does not change "
        "the time at risk.",
        "Check the time, and the day of death in deaths.csv.",
    ),
    "IAGO-W505": _warning(
        "Episode perhaps given twice",
        "Two episodes of one course overlap in time and share an organism, or their organism "
        "class and site. Both are counted.",
        "Delete one of them if they are the same infection; otherwise relate the later to the "
        "earlier one by earlier_episode_id.",
    ),
    "IAGO-W506": _warning(
        "Organism class does not fit the organisms",
        "The organism class of the episode and the class of an organism reported for it differ.",
        "Correct one of the two; several classes together are 'mixed'.",
    ),
    "IAGO-W507": _warning(
        "Several ends of follow-up",
        "The course has more than one end of follow-up, on different days.",
        "Keep the last day on which it is known whether an infection occurred.",
    ),
    "IAGO-W508": _warning(
        "No end of follow-up",
        "The course has no day of death, no event with a day and no contact at which somebody "
        "asked about infections, so it gives no time at risk and takes no part in rates.",
        "Add a row end-of-follow-up to events.csv with the last day that was looked at.",
    ),
    "IAGO-W509": _warning(
        "Relation without an earlier episode",
        "The episode is called the same as, or a recurrence of, an earlier one that is not named.",
        "Name the earlier episode in earlier_episode_id, or clear the relation.",
    ),
    "IAGO-W510": _warning(
        "Earlier episode is not earlier",
        "The episode named as the earlier one begins later, is the episode itself, or belongs to "
        "another course, whose days have another day 0.",
        "Correct earlier_episode_id.",
    ),
    "IAGO-W511": _warning(
        "Exposure perhaps given twice",
        "Two intervals of one course with the same class and drug overlap.",
        "Join the intervals, or correct their days.",
    ),
    "IAGO-W512": _warning(
        "Contact contradicts an episode",
        "The contact says no infection since the last contact, while an episode began between "
        "the two.",
        "Check the answer and the onset; the episode is counted.",
    ),
    "IAGO-W513": _warning(
        "Fatal without a death",
        "The outcome of the episode is death, and deaths.csv has no row for the course.",
        "Add the death with its day and cause to deaths.csv.",
    ),
    "IAGO-W514": _warning(
        "Implausible laboratory value",
        "After conversion the value is outside the range in which the analyte is seen in "
        "patients. A wrong unit is the usual reason.",
        "Check the value and its unit.",
    ),
    "IAGO-W515": _warning(
        "Age does not fit the year of birth",
        "The age at infusion is neither of the two ages that the year of birth and the year of "
        "infusion allow.",
        "Correct the age, the year of birth or the date of infusion.",
    ),
    "IAGO-W516": _warning(
        "Ongoing with a last day",
        "The exposure is called ongoing and has a last day. The last day is used.",
        "Clear one of the two.",
    ),
    "IAGO-W517": _warning(
        "Episode of another course",
        "The episode that is said to have led to death belongs to another course.",
        "Correct episode_id or course_id in deaths.csv.",
    ),
}

_SUMMARIES = {
    "IAGO-N901": _note(
        "Further findings of one kind not listed",
        "One column of a file has so many findings of one kind that only the first are listed.",
        "Mend the reason that these rows share, then import again.",
    ),
}

FINDING_CODES: dict[str, FindingCode] = {
    **_FILES,
    **_CELLS,
    **_REFERENCES,
    **_CONTRADICTIONS,
    **_WARNINGS,
    **_SUMMARIES,
}
