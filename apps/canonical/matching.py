from apps.flows.rules.matching import MatchOutcome, Party, find_match  # moved here at integration
