import OCI

/// A number of bytes, such as `512MiB` or `10GB`.
struct ByteSize: Hashable, Comparable, Sendable {
    let bytes: Int64

    init(bytes: Int64) {
        self.bytes = bytes
    }

    /// Parses a whole number with a unit: `B`; `kB`, `MB`, `GB` and `TB` in steps of 1000; `KiB`, `MiB`,
    /// `GiB` and `TiB` in steps of 1024.
    ///
    /// The spelling is exact: `mb` and `Mb` may mean bits, and `M` either step.
    init(_ text: String) throws(QuantityError) {
        let quantity = try Quantity(text)
        guard let unit = Self.units.first(where: { $0.name == quantity.unit }) else {
            throw .unknownUnit(quantity.unit)
        }
        let (bytes, overflow) = quantity.number.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { throw .tooLarge }
        self.bytes = bytes
    }

    static func < (left: Self, right: Self) -> Bool {
        left.bytes < right.bytes
    }

    /// The units, the greatest first.
    private static let units: [(name: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000),
        ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("kB", 1000), ("B", 1),
    ]
}

extension ByteSize: CustomStringConvertible {
    /// The size in the unit that gives the smallest whole number.
    var description: String {
        guard bytes != 0, let unit = Self.units.first(where: { bytes.isMultiple(of: $0.bytes) }) else {
            return "\(bytes)B"
        }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}
