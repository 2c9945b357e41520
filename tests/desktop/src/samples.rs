//! Documents with known places, made on the spot.

/// A PDF with one line of Helvetica after the other on each page, as plain a file as the format allows.
///
/// Lines are ASCII without parentheses and backslashes.
pub fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {} /Kids [{}] >>", pages.len(), kids.join(" ")),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (n, lines) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + 2 * n
        ));
        let text: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
        let content = format!("BT /F1 11 Tf 16 TL 60 770 Td\n{text}ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// A lease of three pages; the second says when it may be ended, the third what the deposit is.
pub fn lease() -> Vec<u8> {
    pdf(&[
        &[
            "LEASE OF 14 HARBOUR ROW",
            "",
            "1. The landlord lets the house at 14 Harbour Row to the tenant.",
            "2. The rent is 1,450 crowns a month, due on the third day of each month.",
            "3. The lease begins on the first of March and runs for two years.",
        ],
        &[
            "ENDING THE LEASE",
            "",
            "4. The tenant may end the lease early with ninety days of written notice.",
            "5. The landlord may end it only for rent unpaid for two months.",
            "6. Notice by electronic mail is written notice.",
        ],
        &[
            "DEPOSIT AND CARE",
            "",
            "7. The deposit is 2,900 crowns and is returned with interest within thirty days.",
            "8. The chimney is swept each October at the cost of the landlord.",
            "9. Pets are welcome as long as the neighbours sleep.",
        ],
    ])
}

/// Notes of a harbour office: names and texts.
pub const NOTES: [(&str, &str); 4] = [
    (
        "Harbour rules.md",
        "# Harbour rules\n\n## Mooring\n\nBoats longer than twelve metres moor at the eastern quay.\n\n## Fees\n\nThe daily fee for a berth is 31 crowns.\n",
    ),
    ("Tides.csv", "place,high water,low water\nEast quay,06:12,12:40\nWest quay,06:20,12:51\n"),
    ("灯塔日志.txt", "灯塔每晚日落时点亮。值班员每小时记录一次风向和能见度。雾天时每两分钟鸣笛一次。\n"),
    (
        "Minutes of the meeting.html",
        "<html><body><h1>Minutes</h1><p>The board agreed to sweep the chimneys in October and to paint the eastern quay in spring.</p></body></html>",
    ),
];
