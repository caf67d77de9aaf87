/// The units of a duration, the longest first.
private let durationUnits: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
]

extension Duration {
    /// Parses a whole number with a unit: `500ms`, `30s`, `5m`, `2h` or `7d`.
    package init(text: String) throws(QuantityError) {
        let quantity = try Quantity(text)
        guard let unit = durationUnits.first(where: { $0.name == quantity.unit }) else {
            throw .unknownUnit(quantity.unit)
        }
        let (milliseconds, overflow) = quantity.number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow else { throw .tooLarge }
        self = .milliseconds(milliseconds)
    }

    /// The duration in the longest unit that holds it exactly; what is shorter than a millisecond is dropped.
    package var text: String {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        for unit in durationUnits where milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}
