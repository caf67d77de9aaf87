extension Int64 {
    /// A number of bytes for people, in powers of a thousand as docker shows them: `5.12 MB`.
    package var byteText: String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(self)
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        if unit == 0 { return "\(self) B" }
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        let scale = [1.0, 10.0, 100.0][decimals]
        let scaled = Int64((value * scale).rounded())
        let whole = scaled / Int64(scale)
        guard decimals > 0 else { return "\(whole) \(units[unit])" }
        let fraction = String(scaled % Int64(scale))
        return
            "\(whole).\(String(repeating: "0", count: decimals - fraction.count))\(fraction) \(units[unit])"
    }
}
