"""Print what the query layer answers: tables, trees and bars for people, JSON and CSV for programs."""
