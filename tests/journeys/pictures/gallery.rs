//! The gallery: albums, stars, search, the trash, files that are gone or damaged, copies, zip files, and what is inside.

use super::{DREAMSHAPER, PHOENIX, SCHNELL, all, bytes_of, folder, make, names_in, request};
use crate::desk::Desk;
use domain::{Picture, PictureQuery, PictureRequest, PictureState};
use std::path::Path;
use std::process::Command;

async fn found(desk: &Desk, query: PictureQuery) -> Vec<String> {
    let page = desk.engine.pictures().pictures(PictureQuery { limit: 100, ..query }).await.expect("listed");
    assert_eq!(page.total as usize, page.pictures.len());
    page.pictures.into_iter().map(|picture| picture.request.prompt).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_found_by_word_album_star_and_model_and_come_back_from_the_trash() {
    let desk = Desk::open().await;
    let pictures = desk.engine.pictures();
    let cat = make(&desk, request(SCHNELL, "窗台上的一只猫")).await;
    let tower = make(&desk, request(SCHNELL, "A 100% tall lighthouse_tower")).await;
    let heron = make(&desk, request(PHOENIX, "a heron in the reeds")).await;
    let words = |text: &str| PictureQuery { text: Some(text.to_owned()), ..PictureQuery::default() };
    assert_eq!(found(&desk, words("一只")).await, ["窗台上的一只猫"]);
    assert_eq!(found(&desk, words("猫 窗台")).await, ["窗台上的一只猫"]);
    assert_eq!(found(&desk, words("LIGHTHOUSE tall")).await, ["A 100% tall lighthouse_tower"]);
    assert_eq!(found(&desk, words("100%")).await.len(), 1);
    assert!(found(&desk, words("_")).await.len() == 1 && found(&desk, words("狗")).await.is_empty());
    let of_model = PictureQuery { model: Some(PHOENIX.into()), ..PictureQuery::default() };
    assert_eq!(found(&desk, of_model).await, ["a heron in the reeds"]);

    pictures.star_pictures(vec![cat.id.clone()], true).await.unwrap();
    let starred = PictureQuery { starred: true, ..PictureQuery::default() };
    assert_eq!(found(&desk, starred).await, ["窗台上的一只猫"]);
    let album = pictures.create_album(" 海边 ".to_owned()).await.unwrap();
    pictures.add_to_album(vec![tower.id.clone(), heron.id.clone()], album.id.clone()).await.unwrap();
    let inside = |album: &str| PictureQuery { album: Some(album.to_owned()), ..PictureQuery::default() };
    assert_eq!(found(&desk, inside(&album.id)).await.len(), 2);
    assert_eq!(found(&desk, inside("uncategorised")).await, ["窗台上的一只猫"]);
    pictures.remove_from_album(vec![heron.id.clone()], album.id.clone()).await.unwrap();
    let renamed = pictures.rename_album(album.id.clone(), "Coast".to_owned()).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.count), ("Coast", 1));

    pictures.delete_pictures(vec![tower.id.clone()]).await.unwrap();
    assert_eq!(all(&desk).await.len(), 2);
    assert_eq!(pictures.albums().await.unwrap()[0].count, 0, "the trash is in no album");
    pictures.undelete_pictures(vec![tower.id.clone()]).await.unwrap();
    let back = pictures.picture(tower.id.clone()).await.unwrap();
    assert_eq!((&back.state, back.albums.as_slice()), (&PictureState::Done, &[album.id.clone()][..]));
    pictures.delete_album(album.id, true).await.unwrap();
    assert_eq!((all(&desk).await.len(), pictures.albums().await.unwrap().len()), (2, 0));
    let days = pictures.gallery_days(PictureQuery::default()).await.unwrap();
    assert_eq!(days.iter().map(|day| day.count).sum::<u32>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_or_damaged_are_shown_so_and_stop_nothing() {
    let desk = Desk::open().await;
    let pictures = desk.engine.pictures();
    let rows = [
        make(&desk, request(SCHNELL, "gone")).await,
        make(&desk, request(SCHNELL, "damaged")).await,
        make(&desk, request(SCHNELL, "whole")).await,
    ];
    let path = |row: &Picture| folder(&desk).join(row.file_name.as_deref().unwrap());
    std::fs::remove_file(path(&rows[0])).unwrap();
    std::fs::write(path(&rows[1]), b"no picture").unwrap();
    let states: Vec<PictureState> = all(&desk).await.into_iter().map(|row| row.state).collect();
    assert_eq!(states, [PictureState::Done, PictureState::Damaged, PictureState::Missing]);
    assert!(pictures.picture_bytes(rows[0].id.clone()).await.is_err());
    assert!(pictures.picture_pixels(rows[1].id.clone()).await.is_err());

    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("all.zip");
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    // Stripping looks into each file: the damaged one cannot be, and is left out as the missing one is.
    let made = pictures.export_pictures(ids.clone(), true, file.clone()).await.unwrap();
    assert_eq!((made.count, made.left_out), (1, 2));
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
    assert_eq!(archive.len(), 1);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_index(0).unwrap(), &mut bytes).unwrap();
    assert!(image::load_from_memory(&bytes).is_ok() && pictures::settings::read(&bytes).is_none());
    assert_eq!(names_in(out.path()), ["all.zip"], "nothing else is left there");
    let nowhere = out.path().join("no/such/folder/all.zip");
    assert!(pictures.export_pictures(ids, false, nowhere).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_of_the_kind_that_its_name_says() {
    let desk = Desk::open().await;
    let picture = make(&desk, request(SCHNELL, "a cat 猫")).await;
    let out = tempfile::tempdir().unwrap();
    for (name, kind) in [
        ("cat.png", image::ImageFormat::Png),
        ("cat.JPG", image::ImageFormat::Jpeg),
        ("cat.webp", image::ImageFormat::WebP),
        ("cat", image::ImageFormat::Jpeg),
    ] {
        let file = out.path().join(name);
        desk.engine.pictures().save_picture_as(picture.id.clone(), false, file.clone()).await.unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(image::guess_format(&bytes).unwrap(), kind, "{name}");
        let inside = pictures::settings::read(&bytes).unwrap_or_else(|| panic!("{name} holds its settings"));
        assert_eq!(inside.request.prompt, "a cat 猫");
    }
}

/// What exiftool tells of a file, one `Name: value` per line; `None` when it is not installed.
fn exiftool(file: &Path) -> Option<String> {
    let told = Command::new("exiftool").args(["-S", "-a", "-u", "-G1"]).arg(file).output().ok()?;
    Some(String::from_utf8_lossy(&told.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn exiftool_reads_the_settings_of_a_saved_picture_and_nothing_of_a_stripped_one() {
    if exiftool(Path::new("/")).is_none() {
        println!(
            "exiftool is absent (package libimage-exiftool-perl): metadata was not compared with another tool"
        );
        return;
    }
    let desk = Desk::open().await;
    let out = tempfile::tempdir().unwrap();
    for model in [PHOENIX, DREAMSHAPER] {
        let asked = PictureRequest {
            negative_prompt: Some("模糊, 低质量".to_owned()),
            steps: Some(12),
            guidance: Some(6.5),
            seed: Some(1_234_567),
            width: Some(512),
            height: Some(768),
            ..request(model, "黄昏的灯塔, \"oil painting\"\nsecond line")
        };
        let picture = make(&desk, asked.clone()).await;
        assert_eq!(picture.state, PictureState::Done, "{model}");
        let told = exiftool(&folder(&desk).join(picture.file_name.as_deref().unwrap())).unwrap();
        for part in
            ["黄昏的灯塔", "oil painting", "模糊, 低质量", "Steps: 12", "CFG scale: 6.5", "Seed: 1234567"]
        {
            assert!(told.contains(part), "{model}: exiftool tells {part}: {told}");
        }
        for part in
            ["Size: 512x768", model, "second line", &format!("Edgewise {}", env!("CARGO_PKG_VERSION"))]
        {
            assert!(told.contains(part), "{model}: exiftool tells {part}: {told}");
        }
        assert!(!told.contains("Warning"), "{model}: {told}");

        // Dropped on the window, the file fills the form.
        let file = folder(&desk).join(picture.file_name.as_deref().unwrap());
        let read = desk.engine.pictures().read_picture_settings(file).await.unwrap().expect("settings");
        assert_eq!(read.request, picture.request);

        let stripped = out.path().join(format!("stripped.{}", if model == PHOENIX { "jpg" } else { "png" }));
        desk.engine.pictures().save_picture_as(picture.id.clone(), true, stripped.clone()).await.unwrap();
        let told = exiftool(&stripped).unwrap();
        assert!(told.contains("ImageWidth"), "control: the tool reads the file: {told}");
        for part in ["灯塔", "Edgewise", "Seed", "Steps", "EXIF", "UserComment", "Parameters", "IFD0"] {
            assert!(!told.contains(part), "{model}: {part} is gone: {told}");
        }
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8().into_raw();
        assert_eq!(pixels(&std::fs::read(&stripped).unwrap()), pixels(&bytes_of(&desk, &picture)));
    }
}
